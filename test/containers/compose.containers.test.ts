/* The control plane brought up with one command: two of each part, and each of them restarted under load. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { missingOn, startWriters } from '../../demo/writers.js'
import { buildControlImages, type Composed, composeUp } from '../harness/containers/compose.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'

const engine = inject('engine')
let plane: Composed
let set: ReplicaSet

beforeAll(async () => {
  await buildControlImages(engine)
  plane = await composeUp(engine)
}, 400_000)
afterAll(() => plane?.down(), 120_000)

it('serves a set, whichever API is asked', async () => {
  const [one, other] = plane.clients
  set = await replicaSet({ client: one }, 'composed', 2)
  expect((await other.list()).map(({ id }) => id).sort()).toEqual([...set.ids].sort())
})

it('each part restarted in turn under load: every promote that was accepted is carried out, no write is lost', async () => {
  const writers = startWriters({
    members: () => set.endpoints,
    password: set.password,
    writers: 4,
    prefix: 'c',
  })
  const states: string[] = []
  for (const part of ['taskmanager-1', 'taskmanager-2', 'api-1', 'api-2', 'host', 'rabbitmq', 'postgres']) {
    const restarting = plane.compose('restart', '-t', '10', part)
    const client = part === 'api-1' ? plane.clients[1] : plane.clients[0]
    const source = await set.sourceId().catch(() => set.ids[0] ?? '')
    const candidate = set.ids.find((id) => id !== source) ?? ''
    const answer = await client.act(candidate, 'promote_to_replica_source').catch(() => null)
    await restarting
    if (answer?.status === 202) {
      const ended = await client.ended(answer.operationId, 120_000)
      expect(['done', 'rolled_back'], JSON.stringify(ended)).toContain(ended.state)
      states.push(`${part}: ${ended.state}`)
    } else states.push(`${part}: ${answer?.status ?? 'no answer'}`)
    for (const id of set.ids) await client.healthy(id, 90_000)
  }
  const ledger = await writers.stop()
  const source = await set.sourceId()
  const missing = await missingOn(set.endpointOf(source), set.password, 'c', ledger)
  console.log(
    `each part restarted: ${ledger.acks.length} acknowledged writes, ${missing.length} lost; promotes ${states.join(', ')}`,
  )
  expect(missing).toEqual([])
}, 600_000)
