/* The control plane on a Swarm: the real OpenStack client, and each part updated under load. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { missingOn } from '../../demo/writers.js'
import { clientOf } from '../harness/containers/engine.js'
import { openstackAt, openstackTests } from '../harness/openstack-client.js'
import { someImage, taskOf } from '../harness/places/swarm-place.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'
import { writersOf } from '../harness/set-writers.js'
import { openRelay, type Relay } from '../harness/swarm/relay.js'
import { type Stacked, stackUp } from '../harness/swarm/stack.js'

const machines = inject('swarm')
const [manager] = machines
if (!manager) throw new Error('no machine')
const docker = clientOf(manager.engine)
let plane: Stacked
let relay: Relay
let set: ReplicaSet

beforeAll(async () => {
  plane = await stackUp(machines)
  relay = await openRelay(docker, plane.network, await someImage(docker))
}, 500_000)
afterAll(async () => {
  await relay?.close()
  await plane?.down()
}, 240_000)

describe('openstack database instance … over HTTPS', () => {
  openstackTests(() => ({
    openstack: openstackAt(plane),
    client: plane.clients[0] as Stacked['clients'][number],
    freeze: async (id) => (await taskOf(machines, id)).container.pause(),
  }))
})

it('each part updated in turn under load: every promote that was accepted is carried out, no write is lost', async () => {
  const [first, second = first] = plane.clients as [Stacked['clients'][number], Stacked['clients'][number]?]
  set = await replicaSet({ client: first, reach: relay.reach }, 'stacked', 2)
  const writers = writersOf(set, 'k')
  const states: string[] = []
  for (const part of ['taskmanager', 'host', 'api', 'rabbitmq', 'postgres']) {
    const updating = plane.docker('service', 'update', '--force', `stacked_${part}`)
    const source = await set.sourceId().catch(() => set.ids[0] ?? '')
    const candidate = set.ids.find((id) => id !== source) ?? ''
    const ask = (client: typeof first) => client.act(candidate, 'promote_to_replica_source').catch(() => null)
    const answer = (await ask(first)) ?? (await ask(second))
    await updating
    if (answer?.status === 202) {
      const ended = await first.ended(answer.operationId, 120_000)
      expect(['done', 'rolled_back'], JSON.stringify(ended)).toContain(ended.state)
      states.push(`${part}: ${ended.state}`)
    } else states.push(`${part}: ${answer?.status ?? 'no answer'}`)
    for (const id of set.ids) await first.healthy(id, 90_000)
  }
  const ledger = await writers.stop()
  const source = await set.sourceId()
  const missing = await missingOn(set.endpointOf(source), set.password, 'k', ledger)
  console.log(
    `each part updated: ${ledger.acks.length} acknowledged writes, ${missing.length} lost; promotes ${states.join(', ')}`,
  )
  expect(missing).toEqual([])
}, 600_000)
