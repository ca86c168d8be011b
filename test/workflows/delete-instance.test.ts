import { expect, test } from 'vitest'
import { matrix } from './matrix.js'
import { checkPromises } from './promises.js'
import { taskmanager } from './taskmanager.js'
import { World } from './world.js'

matrix('delete_instance', {
  async open(world) {
    const { replicas, setId } = await world.set(2)
    return (await world.openOperation('delete_instance', replicas[0] ?? '', setId, {})).id
  },
  clean: (_world, operation) => expect(operation.state).toBe('done'),
  async always(world, operation) {
    expect(operation.state, 'a delete always comes to its end').toBe('done')
    expect(world.guests.has(operation.instanceId)).toBe(false)
    expect(world.queues.has(operation.instanceId)).toBe(false)
    expect(await world.store.instances.findMany([operation.instanceId])).toEqual([])
  },
})

test('an instance of which nothing is left can be deleted', async () => {
  const world = await World.open()
  const { replicas, setId } = await world.set(1)
  const [id = ''] = replicas
  world.guests.delete(id)
  world.queues.delete(id)
  const operation = await world.openOperation('delete_instance', id, setId, {})
  await world.clock.drive(taskmanager(world, 'one').run(operation.id))
  expect((await world.store.operations.find(null, operation.id)).state).toBe('done')
  await checkPromises(world)
  await world.close()
})

test('a source with replicas is not deleted', async () => {
  const world = await World.open()
  const { source, setId } = await world.set(1)
  await expect(world.openOperation('delete_instance', source, setId, {})).rejects.toMatchObject({
    kind: 'forbidden',
  })
  expect((await world.store.instances.find(null, source)).operation).toBeNull()
  await checkPromises(world)
  await world.close()
})
