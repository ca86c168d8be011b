/* Three managers, each with a host part that sees all guests: what one makes the others leave alone, and one of them may be lost. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { missingOn } from '../../demo/writers.js'
import { clientOf, killEngine, losePower, startEngine } from '../harness/containers/engine.js'
import { someImage, taskOf, untilEmptied, untilMadeAgain } from '../harness/places/swarm-place.js'
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
  const after = await untilMadeAgain(machines, replica, before.container)
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
  await withoutLeader(candidate).finally(() => startEngine(leader.engine))
  for (const id of set.ids) await client.healthy(id, 120_000)
  const next = await set.sourceId()
  await set.linksUp(next)
  const ledger = await writers.stop()
  expect(await missingOn(set.endpointOf(next), set.password, 'leader', ledger)).toEqual([])
  expect(await set.writable()).toEqual([next])
  console.log(`leader of three managers lost: ${ledger.acks.length} acknowledged writes, 0 lost`)
}, 400_000)

it('a node that is paused is emptied, each member once', async () => {
  const source = await sourceOff(leader)
  const machine = await machineOf(source)
  const writers = writersOf(set, 'paused', 90_000)
  await writers.more(200)
  await setAvailability(docker, machine, 'pause')
  await untilEmptied(machines, machine, set.ids)
  await setAvailability(docker, machine, 'active')
  const next = await set.sourceId()
  for (const id of set.ids) await client.healthy(id)
  await set.linksUp(next)
  const ledger = await writers.stop()
  for (const id of set.ids) expect(await set.heldBy(id, 'paused', ledger)).toEqual([])
  expect(await set.writable()).toEqual([next])
  console.log(`${machine.name} of three managers paused: ${ledger.acks.length} acknowledged writes, 0 lost`)
})

it('a source that hangs is ejected while managers choose another leader, or leads again when they take too long', async () => {
  const lost = await leaderOffKeeper()
  const source = await sourceOff(lost)
  const writers = writersOf(set, 'eject', 90_000)
  await writers.more(200)
  // What is acknowledged and not sent yet goes with the source; here nobody writes at that moment.
  const ledger = await writers.stop()
  for (const id of set.ids) expect(await set.heldBy(id, 'eject', ledger)).toEqual([])
  const { container } = await taskOf(machines, source)
  await container.pause()
  await killEngine(lost.engine)
  const eject = async () => {
    const { operationId } = await client.eject(source, 60_000)
    const ended = await client.ended(operationId, 150_000)
    const leads = await set.sourceId()
    if (ended.state === 'done') expect(leads).not.toBe(source)
    else expect([ended.state, leads], JSON.stringify(ended)).toEqual(['rolled_back', source])
    // One beside the dead engine may be found by nobody; nobody else takes a write.
    expect([leads]).toEqual(expect.arrayContaining([...(await set.writable())]))
    return { ended, leads, place: (await machineOfMember(leads, lost)).name }
  }
  const { ended, leads, place } = await eject().finally(() => startEngine(lost.engine))
  const members = leads === source ? set.ids : set.ids.filter((id) => id !== source)
  for (const id of members) await client.healthy(id, 120_000)
  // Beside the killed engine it was ended and started again with that, and its last report may be one from before.
  expect(await set.untilWritable()).toEqual([leads])
  expect(await set.heldBy(leads, 'eject', ledger)).toEqual([])
  const fence = ended.steps?.find(({ name }) => name === 'fence the source')
  console.log(
    `leader's engine on ${lost.name} killed, eject ${ended.state}, fence of ${fence?.duration_ms} ms, source on ${place}: ${ledger.acks.length} acknowledged writes, 0 lost`,
  )
}, 400_000)

/** Where a member is while the engine of `away` cannot be asked. */
async function machineOfMember(id: string, away: SwarmMachine): Promise<SwarmMachine> {
  const others = machines.filter((machine) => machine !== away)
  return taskOf(others, id).then(
    ({ machine }) => machine,
    () => away,
  )
}

/** A leader on another machine than the database's and the relay's: its engine may be killed. */
async function leaderOffKeeper(): Promise<SwarmMachine> {
  if ((await leaderNow()) === keeper)
    for (const role of ['worker', 'manager'] as const) await setRole(clientOf(third.engine), keeper, role)
  return leaderNow()
}

async function leaderNow(): Promise<SwarmMachine> {
  interface Node {
    readonly Description: { readonly Hostname: string }
    readonly ManagerStatus?: { readonly Leader?: boolean }
  }
  const nodes = await waitUntil(
    'the managers have a leader',
    () => docker.listNodes() as Promise<Node[]>,
    (seen) => seen.some(({ ManagerStatus }) => ManagerStatus?.Leader),
    { timeoutMs: 60_000, pollMs: 200 },
  )
  const name = nodes.find(({ ManagerStatus }) => ManagerStatus?.Leader)?.Description.Hostname
  return machines.find((machine) => machine.name === name) ?? leader
}

/** A promote, a create, writes, a delete: all that there is to do, with two managers left. */
async function withoutLeader(candidate: string): Promise<void> {
  expect(await client.promote(candidate)).toMatchObject({ state: 'done' })
  await leaderNow()
  const lone = await client.createSource('without-leader', 150_000)
  await taskOf([keeper, third], lone.id)
  await client.send('DELETE', `/instances/${lone.id}`)
  await client.gone(lone.id, 120_000)
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
  expect(await client.promote(candidate)).toMatchObject({ state: 'done' })
  return candidate
}
