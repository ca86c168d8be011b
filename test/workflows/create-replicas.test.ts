import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { matrix } from './matrix.js'
import { checkPromises } from './promises.js'
import { taskmanager } from './taskmanager.js'
import { World } from './world.js'

async function openThree(
  world: World,
): Promise<{ id: string; replicaIds: readonly string[]; source: string }> {
  const { source, setId } = await world.set(1)
  const replicaIds = [randomUUID(), randomUUID(), randomUUID()]
  const { id } = await world.openOperation(
    'create_replicas',
    source,
    setId,
    { replicaIds },
    { newIds: replicaIds },
  )
  return { id, replicaIds, source }
}

matrix('create_replicas', {
  open: async (world) => (await openThree(world)).id,
  async clean(world, operation) {
    expect(operation.state).toBe('done')
    const { replicas } = await world.store.sets.topologyOf(operation.setId)
    expect(replicas).toHaveLength(4)
    const steps = await world.store.operations.steps(operation.id)
    expect(steps.find(({ name }) => name === 'back up the source')?.detail).toMatch('skipped')
  },
  async always(world, operation) {
    const source = world.guest(operation.instanceId)
    expect(source.tunedFor, 'the settings of the source are restored').toBe(0)
    expect(source.restarts).toBe(0)
    const facts = await world.facts()
    expect(facts.find(({ instance }) => instance.id === source.id)?.instance.fault).toBeNull()
    if (operation.state === 'rolled_back') return
    const whole = facts.filter(({ instance }) => instance.role === 'replica' && !instance.fault)
    for (const { instance } of whole) expect(world.guest(instance.id).upstream()?.id).toBe(source.id)
  },
})

test('one replica that never comes up goes to ERROR alone, the others finish', async () => {
  const world = await World.open()
  const { id, replicaIds, source } = await openThree(world)
  const [bad = ''] = replicaIds
  const manager = taskmanager(world, 'one', async ({ name }, act) => {
    const value = await act()
    const guest = world.guests.get(bad)
    if (name === 'compute.ensure' && guest) guest.agentGone = true
    return value
  })
  await world.clock.drive(manager.run(id))
  const operation = await world.store.operations.find(null, id)
  expect(operation).toMatchObject({ state: 'done', result: { failed: [bad] } })
  const facts = await world.store.instances.findMany([...replicaIds, source])
  for (const { instance } of facts) expect(instance.fault !== null, instance.id).toBe(instance.id === bad)
  await checkPromises(world)
  await world.close()
})

test('when the source dies while replicas copy, the operation ends long before the longest time a copy may take', async () => {
  const world = await World.open()
  const { id, source } = await openThree(world)
  const begun = world.clock.now()
  const manager = taskmanager(world, 'one', async ({ name }, act) => {
    const value = await act()
    if (name === 'assume') world.guest(source).hostGone = true
    return value
  })
  await world.clock.drive(manager.run(id))
  expect((await world.store.operations.find(null, id)).state).toBe('failed')
  expect(world.clock.now() - begun).toBeLessThan(40_000)
  await world.close()
})
