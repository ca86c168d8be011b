import { expect, test } from 'vitest'
import { matrix } from './matrix.js'
import { checkPromises } from './promises.js'
import { taskmanager } from './taskmanager.js'
import { World } from './world.js'

matrix('restart_instance', {
  async open(world) {
    const { replicas, setId } = await world.set(1)
    const [id = ''] = replicas
    world.guest(id).process = 'fenced'
    return (await world.openOperation('restart_instance', id, setId, {})).id
  },
  clean(world, operation) {
    expect(operation.state).toBe('done')
    expect(world.guest(operation.instanceId)).toMatchObject({
      restarts: 1,
      process: 'running',
      role: 'replica',
    })
  },
})

test('a hung source is power-cycled and leads again with all its data', async () => {
  const world = await World.open()
  const { source, setId } = await world.set(1)
  world.guest(source).hostGone = true
  const { id } = await world.openOperation('restart_instance', source, setId, {})
  await world.clock.drive(taskmanager(world, 'one').run(id))
  expect((await world.store.operations.find(null, id)).state).toBe('done')
  expect(world.guest(source).takesWrites).toBe(true)
  await checkPromises(world)
  await world.close()
})

test('a source with damaged data is restarted only with consent to an older state, and refused at once without', async () => {
  const world = await World.open()
  const { source, setId } = await world.set(0)
  world.guest(source).damaged = true
  const restart = async (request: { acceptOlderData?: boolean }) => {
    const { id } = await world.openOperation('restart_instance', source, setId, request)
    await world.clock.drive(taskmanager(world, 'one').run(id))
    return world.store.operations.find(null, id)
  }
  const refused = await restart({})
  expect(refused).toMatchObject({
    state: 'rolled_back',
    fault: expect.stringMatching(/cannot be loaded/),
  })
  expect(world.guest(source).restarts).toBe(0)
  expect((await restart({ acceptOlderData: true })).state).toBe('done')
  expect(world.guest(source)).toMatchObject({ damaged: false, restarts: 1 })
  await world.close()
})
