import { expect, test } from 'vitest'
import { matrix } from './matrix.js'
import { checkPromises } from './promises.js'
import { credentialsOf, expectOneReplicationPassword } from './replication-password.js'
import { taskmanager } from './taskmanager.js'
import { World } from './world.js'

/** A set whose source's host is gone for longer than an agent may be silent. */
async function deadSource(world: World, replicaCount: number) {
  const set = await world.set(replicaCount)
  const source = world.guest(set.source)
  world.copyAll()
  source.hostGone = true
  await world.clock.drive(world.clock.sleep(8_000))
  const { id } = await world.openOperation('eject_replica_source', set.source, set.setId, {})
  return { ...set, id }
}

matrix('eject_replica_source', {
  open: async (world) => (await deadSource(world, 2)).id,
  async clean(world, operation) {
    expect(operation).toMatchObject({ state: 'done', result: { estimatedLossBytes: 0, skipped: [] } })
    const old = world.guest(operation.instanceId)
    expect(old.process).toBe('fenced')
    const { instance } = await world.store.instances.find(null, old.id)
    expect(instance).toMatchObject({ role: 'ejected', fault: null })
    expect(instance.setId).not.toBe(operation.setId)
    expect((await world.store.sets.find(instance.setId)).epoch).toBe(operation.epoch + 1)
    const stayed = [...world.guests.keys()].filter((id) => id !== old.id)
    const theirs = await credentialsOf(world, operation.setId)
    expectOneReplicationPassword(world, theirs, stayed)
    expect(theirs.replication, 'what the ejected one has opens nothing').not.toBe(old.credentials.replication)
    expect(theirs.application).toEqual(old.credentials.application)
    for (const guest of world.guests.values())
      expect(guest.syncFull, 'only partial resynchronisation').toBe(0)
  },
  async always(world, operation) {
    const { source } = await world.store.sets.topologyOf(operation.setId)
    expect(source === operation.instanceId, 'forward when done, back else').toBe(operation.state !== 'done')
    // Woken, or started again: it takes no write that the set's own source does not have.
    const old = world.guest(operation.instanceId)
    if (operation.state === 'done') {
      old.hostGone = false
      expect(old.takesWrites).toBe(false)
    }
  },
})

test('a replica that does not answer is skipped and is not fatal', async () => {
  const world = await World.open()
  const { id, replicas } = await deadSource(world, 3)
  const [gone = ''] = replicas
  world.guest(gone).hostGone = true
  const begun = world.clock.now()
  await world.clock.drive(taskmanager(world, 'one').run(id))
  expect(await world.store.operations.find(null, id)).toMatchObject({
    state: 'done',
    result: { skipped: [gone] },
  })
  expect(world.clock.now() - begun).toBeLessThan(30_000)
  await checkPromises(world)
  await world.close()
})

test('the replica with most of the history leads, whatever their order', async () => {
  const world = await World.open()
  const { id, replicas } = await deadSource(world, 3)
  const last = replicas.at(-1) ?? ''
  for (const other of replicas.slice(0, -1)) world.guest(other).data.pop()
  await world.clock.drive(taskmanager(world, 'one').run(id))
  const operation = await world.store.operations.find(null, id)
  expect(operation).toMatchObject({ state: 'done', result: { sourceId: last } })
  await checkPromises(world)
  await world.close()
})

test('a winner that dies before it leads is fenced and the next in rank leads', async () => {
  const world = await World.open()
  const { id, replicas, setId } = await deadSource(world, 2)
  const [first = ''] = replicas
  const manager = taskmanager(world, 'one', async ({ name }, act) => {
    if (name === 'assume') world.guest(first).hostGone = true
    return act()
  })
  await world.clock.drive(manager.run(id))
  expect((await world.store.sets.topologyOf(setId)).source).toBe(replicas[1])
  expect(world.guest(first).process).toBe('fenced')
  expect((await world.store.instances.find(null, first)).instance.fault?.message).toMatch('fenced')
  await checkPromises(world)
  await world.close()
})

test('a healthy source is not ejected, and is not touched', async () => {
  const world = await World.open()
  const { source, setId } = await world.set(2)
  const { id } = await world.openOperation('eject_replica_source', source, setId, {})
  await world.clock.drive(taskmanager(world, 'one').run(id))
  const operation = await world.store.operations.find(null, id)
  expect(operation).toMatchObject({ state: 'rolled_back' })
  expect(operation.fault).toMatch('healthy')
  expect(world.guest(source).process).toBe('running')
  await checkPromises(world)
  await world.close()
})

test('nobody leads when the source cannot be fenced', async () => {
  const world = await World.open()
  const { id, source, setId } = await deadSource(world, 2)
  const manager = taskmanager(world, 'one', async ({ name }, act) => {
    if (name === 'compute.fence') throw Object.assign(new Error('no'), { kind: 'fence_failed' })
    return act()
  })
  await world.clock.drive(manager.run(id))
  expect((await world.store.operations.find(null, id)).state).toBe('rolled_back')
  expect((await world.store.sets.topologyOf(setId)).source).toBe(source)
  world.guest(source).hostGone = false
  await checkPromises(world)
  await world.close()
})
