/* What only a Swarm has: nodes that are emptied, cut off, lost; services that somebody removes; and what managers show. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { type Ack, type Ledger, missingOn } from '../../demo/writers.js'
import { clientOf, killEngine, losePower, startEngine } from '../harness/containers/engine.js'
import { swarmPlace, taskOf, untilEmptied, untilMadeAgain } from '../harness/places/swarm-place.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'
import { type SetWriters, writersOf } from '../harness/set-writers.js'
import type { Stack } from '../harness/stack.js'
import { setCable } from '../harness/swarm/machines.js'
import { nodeIdOf, rejoin, setAvailability } from '../harness/swarm/nodes.js'
import type { SwarmMachine } from '../harness/swarm/setup.js'
import { leaveContainer, untilNoVolume } from '../harness/swarm/volumes-left.js'

const machines = inject('swarm')
const [manager] = machines as [SwarmMachine]
const docker = clientOf(manager.engine)
const place = swarmPlace(machines)
let stack: Stack
let set: ReplicaSet
let prefixes = 0

beforeAll(async () => {
  stack = await place.open()
  set = await replicaSet(stack, 'swarm', 2)
})
afterAll(async () => {
  if (stack) await place.close(stack)
})

const machineOf = async (id: string) => (await taskOf(machines, id)).machine
const prefix = () => `n${prefixes}`

it('members of a set are on nodes of their own, and managers show no secret', async () => {
  const names = await Promise.all(set.ids.map(async (id) => (await machineOf(id)).name))
  expect(new Set(names).size).toBe(3)
  const shown = JSON.stringify(
    await Promise.all([docker.listServices(), docker.listConfigs(), docker.listTasks()]),
  )
  expect(shown).not.toContain(set.password)
  expect(shown).not.toMatch(/sealKey|amqp:/)
})

it('a service that is removed by hand is made again from what the managers know, with its data', async () => {
  const [id = ''] = await replicas()
  const before = await taskOf(machines, id)
  await docker.getService(`redtrove-${id}`).remove()
  const after = await untilMadeAgain(machines, id, before.container)
  expect(after.machine.name).toBe(before.machine.name)
  await set.linksUp(await set.sourceId())
  await stack.client.healthy(id)
})

it('an address of the broker that no guest is told any more is forgotten, and no other', async () => {
  interface Listed {
    readonly ID: string
    readonly Spec: { readonly Name: string; readonly Labels: Record<string, string> }
  }
  const shared = async () => {
    const filters = { label: ['redtrove.installation'] }
    const listed = (await docker.listSecrets({ filters })) as unknown as Listed[]
    return listed.filter(({ Spec }) => !Spec.Labels['redtrove.instance'])
  }
  const before = await shared()
  const [one] = before
  // Its address with an account, for guests of before, and without; whom to trust.
  expect(before).toHaveLength(3)
  const Name = `redtrove-${one?.Spec.Labels['redtrove.installation']}-amqp-old`
  const Data = Buffer.from('amqp://old').toString('base64')
  await docker.createSecret({ Name, Labels: one?.Spec.Labels, Data })
  const names = async () => (await shared()).map(({ Spec }) => Spec.Name)
  await waitUntil('it is gone', names, (left) => !left.includes(Name), { timeoutMs: 30_000, pollMs: 200 })
  expect((await shared()).map(({ ID }) => ID).sort()).toEqual(before.map(({ ID }) => ID).sort())
})

it('an engine that is killed and comes back loses nothing', async () => {
  const source = await sourceOffTheManager()
  const { engine, name } = await machineOf(source)
  const writers = write()
  await writers.more(200)
  await killEngine(engine)
  await writers.more(100)
  await startEngine(engine)
  await untilWritable(source)
  await writers.more(200)
  const ledger = await writers.stop()
  expect(await missingOn(set.endpointOf(source), set.password, prefix(), ledger)).toEqual([])
  await set.linksUp(source)
  console.log(`engine of ${name} killed: ${ledger.acks.length} acknowledged writes, 0 lost`)
})

it('a node that is paused is emptied: its source hands over first, nothing is lost, and no volume stays, even if Docker left a container', async () => {
  const source = await sourceOffTheManager()
  const machine = await machineOf(source)
  const writers = write()
  await writers.more(200)
  await leaveContainer(machines, source)
  await setAvailability(docker, machine, 'pause')
  await untilEmptied(machines, machine, set.ids)
  const next = await set.sourceId()
  expect(next).not.toBe(source)
  for (const id of set.ids) await stack.client.healthy(id)
  await set.linksUp(next)
  await writers.more(200)
  const ledger = await writers.stop()
  for (const id of set.ids) expect(await set.heldBy(id, prefix(), ledger)).toEqual([])
  await setAvailability(docker, machine, 'active')
  await untilNoVolume(machine)
  console.log(`${machine.name} paused: ${ledger.acks.length} acknowledged writes, 0 lost`)
})

it('a node whose cable is out for a while has its source again, and nobody else has led', async () => {
  const source = await sourceOffTheManager()
  const { machine, container } = await taskOf(machines, source)
  const writers = write()
  await writers.more(200)
  await setCable(machines.indexOf(machine) + 1, 'down')
  const accepted = await stack.client.eject(source, 60_000)
  const ended = await stack.client.ended(accepted.operationId, 120_000)
  expect(ended.state, JSON.stringify(ended)).toBe('rolled_back')
  for (const id of await replicas(source)) expect(await set.tryWrite(id)).not.toBe('OK')
  await setCable(machines.indexOf(machine) + 1, 'up')
  // The fence took its task from it, which its node hears of only now: until it has another one, its server may end at any moment.
  await untilMadeAgain(machines, source, container)
  await untilWritable(source)
  await stack.client.healthy(source, 60_000)
  await writers.more(200)
  const ledger = await writers.stop()
  expect(await missingOn(set.endpointOf(source), set.password, prefix(), ledger)).toEqual([])
  expect(await set.sourceId()).toBe(source)
  console.log(
    `cable of ${machine.name} out: ${ledger.acks.length} acknowledged writes, 0 lost, eject ${ended.state}`,
  )
})

it('a node that is lost: nobody leads until somebody who has seen it dark says so, then the source is ejected', async () => {
  const source = await sourceOffTheManager()
  const machine = await machineOf(source)
  const writers = write()
  await writers.more(200)
  const copied = { ...writers.ledger, acks: [...writers.ledger.acks] }
  for (const id of await replicas(source)) expect(await set.heldBy(id, prefix(), copied)).toEqual([])
  const nodeId = await nodeIdOf(docker, machine)
  await losePower(machine.engine)
  const first = await stack.client.eject(source, 60_000)
  const without = await stack.client.ended(first.operationId, 120_000)
  expect(without.state, JSON.stringify(without)).toBe('rolled_back')
  expect(without.fault).toMatch(/fenced/)
  await docker.getNode(nodeId).remove({ force: true })
  const second = await stack.client.eject(source, 60_000)
  const ended = await stack.client.ended(second.operationId, 120_000)
  expect(ended.state, JSON.stringify(ended)).toBe('done')
  const next = await set.sourceId()
  expect(next).not.toBe(source)
  await untilWritable(next)
  await writers.more(200)
  const ledger = await writers.stop()
  const missing = new Set(await missingOn(set.endpointOf(next), set.password, prefix(), ledger))
  // What both replicas had is never lost, and what is lost is the end of what the old source acknowledged to each client.
  expect(copied.acks.filter(({ id }) => missing.has(id))).toEqual([])
  expect(notAtTheEnd(ledger, set.endpointOf(source).host, missing)).toEqual([])
  await startEngine(machine.engine)
  await rejoin(manager, machine)
  expect(await set.writable()).toEqual([next])
  console.log(
    `${machine.name} lost: ${ledger.acks.length} acknowledged writes, ${missing.size} that no replica had yet lost`,
  )
}, 400_000)

/** Acknowledged writes that are missing although a later one of the same client is there, or was acknowledged by another member. */
function notAtTheEnd({ acks }: Ledger, host: string, missing: ReadonlySet<string>): readonly Ack[] {
  const lost = acks.filter(({ id }) => missing.has(id))
  const isLater = (one: Ack, other: Ack) => other.writer === one.writer && other.atMs > one.atMs
  return lost.filter(
    (one) =>
      one.member !== host ||
      acks.some((other) => other.member === host && isLater(one, other) && !missing.has(other.id)),
  )
}

function write(): SetWriters {
  prefixes += 1
  return writersOf(set, prefix(), 90_000)
}

async function untilWritable(id: string): Promise<void> {
  await waitUntil(
    `${id} takes writes`,
    () => set.tryWrite(id),
    (said) => said === 'OK',
    { timeoutMs: 90_000, pollMs: 100 },
  )
}

async function replicas(source?: string): Promise<readonly string[]> {
  const leads = source ?? (await set.sourceId())
  return set.ids.filter((id) => id !== leads)
}

/** The manager's machine has the control plane too, and is not what is tried here. */
async function sourceOffTheManager(): Promise<string> {
  const source = await set.sourceId()
  if ((await machineOf(source)) !== manager) return source
  for (const id of await replicas(source)) {
    if ((await machineOf(id)) === manager) continue
    expect(await stack.client.promote(id)).toMatchObject({ state: 'done' })
    await set.linksUp(id)
    return id
  }
  throw new Error('every member is on the manager')
}
