/* Three managers, each with a host part that sees all guests: what one makes the others leave alone, and one of them may be lost. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { missingOn } from '../../demo/writers.js'
import { clientOf, losePower, startEngine } from '../harness/containers/engine.js'
import { someImage, taskOf } from '../harness/places/swarm-place.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'
import { writersOf } from '../harness/set-writers.js'
import { changeNode, setAvailability, setRole } from '../harness/swarm/nodes.js'
import { openRelay, type Relay } from '../harness/swarm/relay.js'
import type { SwarmMachine } from '../harness/swarm/setup.js'
import { type Stacked, stackUp } from '../harness/swarm/stack.js'
import type { TroveClient } from '../harness/trove-client.js'

const machines = inject('swarm')
const [leader, keeper, third] = machines as [SwarmMachine, SwarmMachine, SwarmMachine]
const docker = clientOf(keeper.engine)
let plane: Stacked
let client: TroveClient
let relay: Relay
let set: ReplicaSet

beforeAll(async () => {
  const first = clientOf(leader.engine)
  for (const machine of [keeper, third]) await setRole(first, machine, 'manager')
  await changeNode(first, keeper, { Labels: { 'redtrove.services': 'true', 'redtrove.api': 'true' } })
  await changeNode(first, third, { Labels: { 'redtrove.api': 'true' } })
  plane = await stackUp(machines, keeper)
  client = plane.clients[0] as TroveClient
  relay = await openRelay(docker, plane.network, await someImage(docker))
  set = await replicaSet({ client, reach: relay.reach }, 'managers', 2)
}, 500_000)
afterAll(async () => {
  await relay?.close()
  await plane?.down()
  const first = clientOf(leader.engine)
  for (const machine of [keeper, third]) {
    await changeNode(first, machine, { Labels: {} })
    await setRole(first, machine, 'worker')
  }
}, 240_000)

const machineOf = async (id: string) => (await taskOf(machines, id)).machine

it('a service that is removed by hand is made again once, though three host parts see that it is missing', async () => {
  const source = await set.sourceId()
  const [replica = ''] = set.ids.filter((id) => id !== source)
  const before = await taskOf(machines, replica)
  await docker.getService(`redtrove-${replica}`).remove()
  const after = await waitUntil(
    'it runs again',
    () => taskOf(machines, replica),
    ({ container }) => container.id !== before.container.id,
    { timeoutMs: 30_000, pollMs: 100, describe: () => 'the container from before' },
  )
  expect(after.machine.name).toBe(before.machine.name)
  await set.linksUp(source)
  await client.healthy(replica)
  expect((await taskOf(machines, replica)).container.id).toBe(after.container.id)
})

it("the leader's machine is lost: promotes and creates go on without it, and it is taken in again", async () => {
  const source = await sourceOff(leader)
  const [candidate = ''] = await membersOff(leader, source)
  const writers = writersOf(set, 'leader', 90_000)
  await writers.more(200)
  await losePower(leader.engine)
  const { state } = await withoutLeader(candidate).finally(() => startEngine(leader.engine))
  for (const id of set.ids) await client.healthy(id, 120_000)
  const next = await set.sourceId()
  await set.linksUp(next)
  const ledger = await writers.stop()
  expect(await missingOn(set.endpointOf(next), set.password, 'leader', ledger)).toEqual([])
  expect(await set.writable()).toEqual([next])
  console.log(
    `leader of three managers lost: ${ledger.acks.length} acknowledged writes, 0 lost; promote ${state}`,
  )
}, 400_000)

it('a node that is paused is emptied, each member once', async () => {
  const source = await sourceOff(leader)
  const machine = await machineOf(source)
  const writers = writersOf(set, 'paused', 90_000)
  await writers.more(200)
  await setAvailability(docker, machine, 'pause')
  const names = () => Promise.all(set.ids.map(async (id) => (await machineOf(id).catch(() => machine)).name))
  await waitUntil('no member is on it', names, (seen) => !seen.includes(machine.name), {
    timeoutMs: 90_000,
    pollMs: 500,
  })
  await setAvailability(docker, machine, 'active')
  const next = await set.sourceId()
  for (const id of set.ids) await client.healthy(id)
  await set.linksUp(next)
  const ledger = await writers.stop()
  for (const id of set.ids) expect(await set.heldBy(id, 'paused', ledger)).toEqual([])
  expect(await set.writable()).toEqual([next])
  console.log(`${machine.name} of three managers paused: ${ledger.acks.length} acknowledged writes, 0 lost`)
})

/** A promote, a create, writes, a delete: all that there is to do, with two managers left. */
async function withoutLeader(candidate: string) {
  const promote = await client.act(candidate, 'promote_to_replica_source')
  expect(promote, JSON.stringify(promote.body)).toMatchObject({ status: 202 })
  const ended = await client.ended(promote.operationId, 120_000)
  const lone = await client.createSource('without-leader', 150_000)
  await taskOf([keeper, third], lone.id)
  await client.send('DELETE', `/instances/${lone.id}`)
  await client.gone(lone.id, 120_000)
  return ended
}

/** Replicas on other machines than this. */
async function membersOff(machine: SwarmMachine, source: string): Promise<readonly string[]> {
  const others = set.ids.filter((id) => id !== source)
  const places = await Promise.all(others.map(machineOf))
  return others.filter((_id, at) => places[at] !== machine)
}

/** The source, once it is on another machine than this. */
async function sourceOff(machine: SwarmMachine): Promise<string> {
  const source = await set.sourceId()
  if ((await machineOf(source)) !== machine) return source
  const [candidate = ''] = await membersOff(machine, source)
  const promote = await client.act(candidate, 'promote_to_replica_source')
  expect(promote, JSON.stringify(promote.body)).toMatchObject({ status: 202 })
  expect(await client.ended(promote.operationId)).toMatchObject({ state: 'done' })
  return candidate
}
