import { expect, test } from 'vitest'
import { matrix } from './matrix.js'
import { checkPromises } from './promises.js'
import { taskmanager } from './taskmanager.js'
import { World } from './world.js'

matrix('migrate_replica', {
  async open(world) {
    const { replicas, setId } = await world.set(2)
    const [id = ''] = replicas
    world.leaving.add(id)
    return (await world.openOperation('migrate_replica', id, setId, {})).id
  },
  clean(world, operation) {
    expect(operation.state).toBe('done')
    expect(world.leaving.size).toBe(0)
    expect(world.guest(operation.instanceId)).toMatchObject({ process: 'running', role: 'replica' })
  },
})

test('a source is not made anew elsewhere, and keeps its data', async () => {
  const world = await World.open()
  const { source, setId } = await world.set(1)
  world.leaving.add(source)
  const { id } = await world.openOperation('migrate_replica', source, setId, {})
  await world.clock.drive(taskmanager(world, 'one').run(id))
  expect(await world.store.operations.find(null, id)).toMatchObject({ state: 'rolled_back' })
  expect(world.guest(source).takesWrites).toBe(true)
  await checkPromises(world)
  await world.close()
})
