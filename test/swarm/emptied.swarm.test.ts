/* A volume that comes back empty: Swarm starts a task on whatever is there. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { clientOf } from '../harness/containers/engine.js'
import { emptyGuest } from '../harness/emptied.js'
import { swarmPlace, taskOf } from '../harness/places/swarm-place.js'
import { type ReplicaSet, replicaSet, withRedis } from '../harness/replica-set.js'
import type { Stack } from '../harness/stack.js'

const machines = inject('swarm')
const place = swarmPlace(machines)
let stack: Stack
let set: ReplicaSet

beforeAll(async () => {
  stack = await place.open()
  set = await replicaSet(stack, 'emptied', 2)
})
afterAll(async () => {
  if (stack) await place.close(stack)
})

it('a source whose volume comes back empty is not started: replicas keep what they have, and after an eject one leads with it', async () => {
  const source = await set.sourceId()
  const replicas = set.ids.filter((id) => id !== source)
  const kept = (id: string) =>
    withRedis(set.endpointOf(id), set.password, (redis) => redis.get('kept')).catch(String)
  await withRedis(set.endpointOf(source), set.password, (redis) => redis.set('kept', 'yes'))
  const everywhere = () => Promise.all(replicas.map(kept))
  await waitUntil('the replicas have it', everywhere, (seen) => seen.every((value) => value === 'yes'), {
    timeoutMs: 10_000,
  })
  await empty(source)
  const shown = await waitUntil(
    'the fault is shown',
    () => stack.client.show(source),
    ({ fault }) => /data directory is empty/.test(fault?.message ?? ''),
    { timeoutMs: 60_000, pollMs: 100 },
  )
  expect(shown.operating_status).toBe('ERROR')
  expect(await set.tryWrite(source)).not.toBe('OK')
  expect(await everywhere()).toEqual(['yes', 'yes'])
  const accepted = await stack.client.eject(source)
  const ended = await stack.client.ended(accepted.operationId, 120_000)
  expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
  const next = await set.sourceId()
  expect(await kept(next)).toBe('yes')
  expect(await set.writable()).toEqual([next])
})

async function empty(id: string): Promise<void> {
  const { machine } = await taskOf(machines, id)
  const { Mountpoint: folder } = await clientOf(machine.engine).getVolume(`redtrove-${id}`).inspect()
  emptyGuest(await place.pids(stack, id), folder)
}
