/* Networks that fall apart around a source: one member takes writes, and nothing is lost that a member which is left had. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest'
import { stateLayout } from '../../common/settings/settings.js'
import { waitUntil } from '../../common/wait-until.js'
import { type Ledger, missingOn, type Writers } from '../../demo/writers.js'
import { clientOf } from '../harness/containers/engine.js'
import { type Cut, cut, disconnect } from '../harness/containers/guest-net.js'
import { dockerPlace } from '../harness/places/docker-place.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'
import { type SetWriters, writersOf } from '../harness/set-writers.js'
import { processesOf, type Stack } from '../harness/stack.js'

const engine = inject('engine')
const docker = clientOf(engine)
const place = dockerPlace(engine, { REDTROVE_MAX_INSTANCES_PER_PROJECT: '100' })
let stack: Stack
let set: ReplicaSet
let source: string
let sets = 0

beforeAll(async () => {
  stack = await place.open()
})
afterAll(async () => {
  if (stack) await place.close(stack)
})
beforeEach(async () => {
  sets += 1
  set = await replicaSet(stack, `set-${sets}`, 2)
  source = await set.sourceId()
})

const container = (id: string) => docker.getContainer(`redtrove-${id}`)
const replicas = () => set.ids.filter((id) => id !== source)
const hostOf = (id: string) => set.endpointOf(id).host

function fromController(): readonly Cut[] {
  const url = readFileSync(stateLayout(stack.stateDir).amqpUrl, 'utf8').trim()
  const port = Number(new URL(url).port)
  return [
    { direction: 'in', port },
    { direction: 'out', port },
  ]
}
const fromReplicas = (directions: readonly Cut['direction'][]): readonly Cut[] =>
  replicas().flatMap((id) => directions.map((direction) => ({ direction, peer: hostOf(id) })))

it.each([
  ['from the controller', () => fromController()],
  ['from its replicas', () => fromReplicas(['in', 'out'])],
  ['from its replicas in one way', () => fromReplicas(['out'])],
])(
  'a source that is cut off %s serves on, is not ejected, and has its replicas again',
  async (what, cutsOf) => {
    const writers = write()
    await writers.more(200)
    const heal = await cut(container(source), cutsOf())
    // Longer than the age at which a report or a link counts as old.
    await passed(writers, 8_000)
    const answer = await stack.client.act(source, 'eject_replica_source')
    expect(answer.status, JSON.stringify(answer.body)).toBe(400)
    await writers.more(200)
    await heal()
    await set.linksUp(source)
    for (const id of set.ids) await stack.client.healthy(id)
    const ledger = await writers.stop()
    for (const id of set.ids) expect(await set.heldBy(id, prefix(), ledger)).toEqual([])
    expect(await set.writable()).toEqual([source])
    say(what, ledger, 0)
  },
)

it.each([
  [
    'from the controller and its replicas',
    () => cut(container(source), [...fromController(), ...fromReplicas(['in', 'out'])]),
  ],
  ['from everybody', () => disconnect(docker, container(source))],
])(
  'a source that is cut off %s is ejected: no write that a replica had is lost, and it never takes one again',
  async (what, pull) => {
    const writers = write()
    await writers.more(200)
    const heal = await pull()
    const cutAtMs = performance.now()
    const accepted = await stack.client.eject(source)
    const ended = await stack.client.ended(accepted.operationId)
    expect(ended, JSON.stringify(ended)).toMatchObject({ state: 'done' })
    await heal()
    const next = await set.sourceId()
    expect(next).not.toBe(source)
    await waitUntil(
      'the new source takes writes',
      () => writers.ledger.acks.filter((ack) => ack.member === hostOf(next)).length,
      (acks) => acks > 100,
      { timeoutMs: 30_000 },
    )
    const ledger = await writers.stop()
    const missing = new Set(await missingOn(set.endpointOf(next), set.password, prefix(), ledger))
    const held = ledger.acks.filter(({ atMs, member }) => atMs < cutAtMs - 200 || member === hostOf(next))
    expect(held.filter(({ id }) => missing.has(id))).toEqual([])
    expect(await set.writable()).toEqual([next])
    say(what, ledger, missing.size)
  },
)

it('a replica that is cut off from the controller does not keep another from leading', async () => {
  const [candidate = '', away = ''] = replicas()
  const writers = write()
  await writers.more(200)
  const heal = await cut(container(away), fromController())
  const answer = await stack.client.act(candidate, 'promote_to_replica_source')
  expect(answer.status, JSON.stringify(answer.body)).toBe(202)
  const ended = await stack.client.ended(answer.operationId, 120_000)
  await heal()
  expect(['done', 'rolled_back'], JSON.stringify(ended)).toContain(ended.state)
  const now = await set.sourceId()
  await set.linksUp(now)
  const ledger = await writers.stop()
  for (const id of set.ids) expect(await set.heldBy(id, prefix(), ledger)).toEqual([])
  expect(await set.writable()).toEqual([now])
  say(`a replica from the controller (promote ${ended.state})`, ledger, 0)
})

it('a broker that stands still for fifteen seconds stops nobody, and a promote that is asked for meanwhile is carried out or taken back', async () => {
  const [candidate = ''] = replicas()
  const writers = write()
  await writers.more(200)
  const broker = processesOf(stack.stateDir).find(({ line }) => line.includes('beam.smp'))?.pid ?? 0
  process.kill(broker, 'SIGSTOP')
  let answer: Awaited<ReturnType<typeof stack.client.act>>
  try {
    answer = await stack.client.act(candidate, 'promote_to_replica_source')
    await passed(writers, 15_000)
  } finally {
    process.kill(broker, 'SIGCONT')
  }
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202 })
  const ended = await stack.client.ended(answer.operationId, 120_000)
  expect(['done', 'rolled_back'], JSON.stringify(ended)).toContain(ended.state)
  const leads = ended.state === 'done' ? candidate : source
  expect(await set.sourceId()).toBe(leads)
  await set.linksUp(leads)
  await writers.more(100)
  const ledger = await writers.stop()
  for (const id of set.ids) expect(await set.heldBy(id, prefix(), ledger)).toEqual([])
  expect(await set.writable()).toEqual([leads])
  say(`the broker from everybody (promote ${ended.state})`, ledger, 0)
})

const prefix = () => `p${sets}`

function write(): SetWriters {
  return writersOf(set, prefix(), 40_000)
}

/** Until a write was acknowledged so much later: the source has served all the while. */
async function passed(writers: Writers, ms: number): Promise<void> {
  const untilMs = performance.now() + ms
  await waitUntil(
    `a write is acknowledged ${ms} ms later`,
    () => writers.ledger.acks.at(-1)?.atMs ?? 0,
    (atMs) => atMs >= untilMs,
    { timeoutMs: ms + 30_000, pollMs: 50 },
  )
}

function say(what: string, ledger: Ledger, gone: number): void {
  console.log(
    `cut off ${what}: ${ledger.acks.length} acknowledged writes, 0 lost that a member which is left had, ${gone} gone with the ejected source`,
  )
}
