/* A node that is drained without a pause before: Swarm ends its tasks at once, and what can move moves all the same. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { missingOn } from '../../demo/writers.js'
import { clientOf } from '../harness/containers/engine.js'
import { swarmPlace, taskOf } from '../harness/places/swarm-place.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'
import { writersOf } from '../harness/set-writers.js'
import type { Stack } from '../harness/stack.js'
import { setAvailability } from '../harness/swarm/nodes.js'

const machines = inject('swarm')
const place = swarmPlace(machines)
let stack: Stack
let set: ReplicaSet
let prefixes = 0

beforeAll(async () => {
  stack = await place.open()
  set = await replicaSet(stack, 'drained', 2)
})
afterAll(async () => {
  if (stack) await place.close(stack)
})

it.each([
  ['hands over in the seconds of grace, or is ejected after them', async () => undefined, /promote|eject/],
  ['hangs, and is ejected when its node has ended it', (id: string) => place.freeze(stack, id), /eject/],
])('a drained node: its source %s, and what it acknowledged is there', async (_what, prepare, kind) => {
  const [manager] = machines
  if (!manager) throw new Error('no manager')
  const docker = clientOf(manager.engine)
  const source = await set.sourceId()
  const { machine } = await taskOf(machines, source)
  prefixes += 1
  const prefix = `d${prefixes}`
  const writers = writersOf(set, prefix, 30_000)
  await writers.more(301)
  const drainedAtMs = performance.now()
  await prepare(source)
  await setAvailability(docker, machine, 'drain')
  const next = await waitUntil(
    'another member leads and takes writes',
    async () => {
      const leader = await set.sourceId()
      return leader !== source && (await set.tryWrite(leader)) === 'OK' ? leader : null
    },
    (leader) => leader !== null,
    { timeoutMs: 90_000, pollMs: 200 },
  )
  const ledger = await writers.stop()
  await setAvailability(docker, machine, 'active')
  const missing = new Set(await missingOn(set.endpointOf(next ?? ''), set.password, prefix, ledger))
  const held = ledger.acks.filter(({ id, atMs }) => missing.has(id) && atMs < drainedAtMs - 200)
  expect(held).toEqual([])
  expect(await set.writable()).toEqual([next])
  const how = await waitUntil(
    'what did it is done',
    async () => {
      const done = (await stack.client.operations()).filter(({ state }) => state === 'done')
      return done.map((operation) => operation.kind).find((one) => kind.test(one))
    },
    (found) => found !== undefined,
    { timeoutMs: 60_000, pollMs: 200 },
  )
  console.log(`${machine.name} drained (${how}): ${ledger.acks.length} acknowledged, ${missing.size} lost`)
  for (const id of set.ids.filter((one) => one !== source)) await stack.client.healthy(id, 90_000)
})
