/* A redis-server that runs and answers nobody, with its agent there to say so: every act ends, and says the way out where it cannot be done. */

import { afterEach, expect, test } from 'vitest'
import type { OperationKind } from '../../domain/operation/kinds/index.js'
import type { Operation } from '../../domain/operation/operation.js'
import { sealPassword } from '../../store/sealed-credentials.js'
import { checkPromises } from './promises.js'
import { taskmanager } from './taskmanager.js'
import { KEYS, World } from './world.js'

let world: World
afterEach(() => world.close())

const REQUESTS: Partial<Record<OperationKind, object>> = {
  set_password: { sealedPassword: sealPassword(KEYS, 'second-password'), disable: false },
  repair_replication: { drift: [] },
}

/** A set of three of which one is stuck, and an operation on it carried out. */
async function carryOut(
  kind: OperationKind,
  who: { readonly stuck: 'source' | 'replica'; readonly subject: 'source' | 'replica' },
): Promise<Operation & { readonly stuckId: string; readonly tookMs: number }> {
  world = await World.open()
  const { source, replicas, setId } = await world.set(2)
  const named = { source, replica: replicas[0] ?? '' }
  const stuckId = named[who.stuck]
  world.guest(stuckId).stuck = true
  await world.clock.drive(world.clock.sleep(2_000))
  const request = (REQUESTS[kind] ?? {}) as never // each kind's own, above
  const { id } = await world.openOperation(kind, named[who.subject], setId, request)
  const begunMs = world.clock.now()
  await world.clock.drive(taskmanager(world, 'one').run(id))
  const tookMs = world.clock.now() - begunMs
  return { ...(await world.store.operations.find(null, id)), stuckId, tookMs }
}

test('a restart ends it, and it leads again with all its data', async () => {
  const { state, stuckId } = await carryOut('restart_instance', { stuck: 'source', subject: 'source' })
  expect(state).toBe('done')
  expect(world.guest(stuckId)).toMatchObject({ restarts: 1, stuck: false, takesWrites: true })
  await checkPromises(world)
})

test('an eject of a source that no replica hears is done without force', async () => {
  const { state, stuckId, setId } = await carryOut('eject_replica_source', {
    stuck: 'source',
    subject: 'source',
  })
  expect(state).toBe('done')
  expect(world.guest(stuckId).process).toBe('fenced')
  expect((await world.store.sets.topologyOf(setId)).source).not.toBe(stuckId)
  await checkPromises(world)
})

test.each([
  ['promote_to_replica_source', 'source', 'replica'],
  ['promote_to_replica_source', 'replica', 'replica'],
  ['detach_replica', 'replica', 'replica'],
  ['set_password', 'source', 'source'],
] as const)('%s with a stuck %s is taken back with nothing changed', async (kind, stuck, subject) => {
  const { state, fault, stuckId, tookMs } = await carryOut(kind, { stuck, subject })
  expect(state).toBe('rolled_back')
  expect(fault).toMatch(/answers nobody|does not answer/)
  expect(fault).toMatch(/[Ii]nstance \S+ \([0-9a-f-]{36}\)/)
  expect(tookMs, 'on the clock of the test').toBeLessThan(30_000)
  expect((await world.store.instances.find(null, stuckId)).instance.fault).toBeNull()
  world.guest(stuckId).stuck = false
  await checkPromises(world)
})

test('another password is set although a replica is stuck', async () => {
  const { state } = await carryOut('set_password', { stuck: 'replica', subject: 'source' })
  expect(state).toBe('done')
})

test('a repair finds nothing to do', async () => {
  const { result } = await carryOut('repair_replication', { stuck: 'source', subject: 'source' })
  expect(result).toMatchObject({ summary: expect.stringContaining('Nothing differs') })
})

test('a delete removes it', async () => {
  const { state, stuckId } = await carryOut('delete_instance', { stuck: 'replica', subject: 'replica' })
  expect(state).toBe('done')
  expect(world.guests.has(stuckId)).toBe(false)
})
