import { expect, test } from 'vitest'
import { RedtroveError } from '../../common/errors.js'
import type { Operation } from '../../domain/operation/operation.js'
import { matrix } from './matrix.js'
import { checkPromises } from './promises.js'
import { TIMINGS, taskmanager } from './taskmanager.js'
import { World } from './world.js'

async function openPromote(world: World): Promise<string> {
  const { replicas, setId } = await world.set(2)
  const [candidate = ''] = replicas
  return (await world.openOperation('promote_to_replica_source', candidate, setId, {})).id
}

async function takesWritesAtOnce(world: World, { setId }: Operation): Promise<void> {
  const { source } = await world.store.sets.topologyOf(setId)
  expect(world.guest(source ?? '').takesWrites, 'the source takes writes at once').toBe(true)
}

matrix('promote_to_replica_source', {
  open: openPromote,
  atOnce: takesWritesAtOnce,
  async clean(world, operation) {
    expect(operation).toMatchObject({ state: 'done', fault: null })
    expect((await world.store.sets.topologyOf(operation.setId)).source).toBe(operation.instanceId)
    for (const guest of world.guests.values())
      expect(guest.syncFull, 'only partial resynchronisation').toBe(0)
  },
  async always(world, operation) {
    const { source } = await world.store.sets.topologyOf(operation.setId)
    expect(source === operation.instanceId, 'forward when done, back else').toBe(operation.state === 'done')
    for (const { instance } of await world.facts()) expect(instance.fault, 'nobody is at fault').toBeNull()
  },
})

matrix('promote_to_replica_source whose pause runs out before the old source is demoted', {
  open: openPromote,
  atOnce: takesWritesAtOnce,
  meanwhile: async (world, call) => {
    if (call === 'savePlan') await world.clock.sleep(TIMINGS.promotePauseMs + 1_000)
  },
  async clean(world, operation) {
    expect(operation.state).toBe('rolled_back')
    expect(operation.fault).toMatch('promote was cancelled; no data was lost')
    expect((await world.store.sets.topologyOf(operation.setId)).source).not.toBe(operation.instanceId)
  },
  async always(world, operation) {
    const { source } = await world.store.sets.topologyOf(operation.setId)
    expect(source === operation.instanceId, 'forward when done, back else').toBe(operation.state === 'done')
    for (const { instance } of await world.facts()) expect(instance.fault, 'nobody is at fault').toBeNull()
  },
})

test('an old source that neither answers nor can be fenced keeps its role, and gets the fault alone', async () => {
  const world = await World.open()
  const id = await openPromote(world)
  const operation = await world.store.operations.find(null, id)
  const { source } = await world.store.sets.topologyOf(operation.setId)
  const old = world.guest(source ?? '')
  const manager = taskmanager(world, 'one', async ({ name }, act) => {
    if (name === 'compute.fence') throw new RedtroveError('fence_failed', 'The provider cannot say.')
    const value = await act()
    if (name === 'savePlan') old.hostGone = true
    return value
  })
  await world.clock.drive(manager.run(id))
  expect(await world.store.operations.find(null, id)).toMatchObject({ state: 'failed' })
  expect((await world.store.sets.topologyOf(operation.setId)).source).toBe(old.id)
  for (const { instance } of await world.facts()) expect(instance.fault !== null).toBe(instance.id === old.id)
  old.hostGone = false
  await checkPromises(world)
  expect(old.takesWrites).toBe(true)
  await world.close()
})

test('a candidate that is far behind is not promoted, and writes are never held back', async () => {
  const world = await World.open()
  const id = await openPromote(world)
  const operation = await world.store.operations.find(null, id)
  // Its link never comes up.
  world.guest(operation.instanceId).following = { host: '127.99.9.9', port: 6379 }
  const manager = taskmanager(world, 'one')
  await world.clock.drive(manager.run(id))
  const ended = await world.store.operations.find(null, id)
  expect(ended.state).toBe('rolled_back')
  expect(ended.fault).toMatch('link is down')
  expect(manager.calls).not.toContain('pauseWrites')
  await world.close()
})
