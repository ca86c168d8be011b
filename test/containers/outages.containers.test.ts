/* Whole parts that are gone for a while: the control plane's PostgreSQL, and the machine that the engine and all its guests are on. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { losePower, startEngine } from '../harness/containers/engine.js'
import { SIZED_DRIVER } from '../harness/containers/volume-plugin.js'
import { type WrittenSet, writtenSet } from '../harness/containers/written-set.js'
import { signal } from '../harness/faults/fault.js'
import { haveRunning } from '../harness/faults/postgres-faults.js'
import { dockerPlace } from '../harness/places/docker-place.js'
import { type Postgres, startPostgres } from '../harness/postgres.js'
import type { Stack } from '../harness/stack.js'
import type { OperationBody } from '../harness/trove-client.js'

/** Writes after a promote was asked for at which PostgreSQL is killed; once before it is asked for. */
const KILLED_AFTER_WRITES = [null, 0, 50, 200, 400, 600, 900] as const
const PROMOTE_MS_MAX = 120_000

const engine = inject('engine')
let postgres: Postgres
let stack: Stack
let place: ReturnType<typeof dockerPlace>

beforeAll(async () => {
  postgres = await startPostgres({ durable: true })
  await postgres.admin((db) => db.raw('CREATE DATABASE redtrove'))
  place = dockerPlace(engine, {
    REDTROVE_DATABASE_URL: `${postgres.url}/redtrove`,
    // In memory: a busy disk makes Redis hold back what it acknowledged, which a kill then takes with it.
    REDTROVE_DOCKER_VOLUME_DRIVER: SIZED_DRIVER,
    REDTROVE_DOCKER_VOLUME_OPTIONS: 'size={gb}',
    REDTROVE_MAX_INSTANCES_PER_PROJECT: '100',
  })
  stack = await place.open()
}, 120_000)
afterAll(async () => {
  if (stack) await place.close(stack)
  await postgres?.stop()
}, 120_000)

it('PostgreSQL killed and started before and while a promote runs: every accepted one ends, no write is lost', async () => {
  const written = await writtenSet(stack, 'postgres', 2)
  const states: string[] = []
  for (const writes of KILLED_AFTER_WRITES) {
    const kill = () => signal(postgres.pids(), 'SIGKILL')
    if (writes === null) kill()
    const answer = await askForPromote(written)
    let at = 'before it'
    if (writes !== null) {
      if (writes > 0) await written.writers.more(writes)
      at = comeTo(await stack.client.operation(answer.operationId ?? ''))
      kill()
    }
    await written.writers.more(100)
    await haveRunning(postgres)
    const state = answer.status === 202 ? await ended(answer.operationId) : answer.status
    states.push(`${at}: ${state}`)
    for (const id of written.set.ids) await stack.client.healthy(id, 90_000)
  }
  const { ledger } = await written.whole()
  console.log(
    `PostgreSQL killed ${KILLED_AFTER_WRITES.length} times: ${ledger.acks.length} acknowledged writes, 0 lost; promotes ${states.join(', ')}`,
  )
}, 300_000)

it('the machine of all guests loses power: they come back by themselves with what they acknowledged', async () => {
  const written = await writtenSet(stack, 'power', 2)
  // Who leads is not who was made as the source: guests have to remember it.
  const promoted = await askForPromote(written)
  expect(await ended(promoted.operationId)).toBe('done')
  const source = await written.set.sourceId()
  await written.writers.more(300)
  const killed = await losePower(engine)
  await startEngine(engine)
  const startedMs = performance.now()
  await written.writers.more(300)
  const servedMs = performance.now() - startedMs
  const { source: now, ledger } = await written.whole()
  expect(now).toBe(source)
  console.log(
    `power lost, ${killed} processes: writes again ${Math.round(servedMs)} ms after the engine; ${ledger.acks.length} acknowledged writes, 0 lost`,
  )
})

it.each([0, 400])(
  'the machine of all guests loses power %i writes after a promote was asked for: it is carried out or taken back, and nothing is lost',
  async (writes) => {
    const written = await writtenSet(stack, `power-promote-${writes}`, 2)
    const source = await written.set.sourceId()
    await written.writers.more(300)
    const answer = await askForPromote(written)
    if (writes > 0) await written.writers.more(writes)
    const at = comeTo(await stack.client.operation(answer.operationId ?? ''))
    const killed = await losePower(engine)
    await startEngine(engine)
    const state = await ended(answer.operationId)
    await written.writers.more(300)
    // A source that was away at the one moment when it had to answer was fenced, and is out of the set.
    const old = await stack.client.show(source)
    const ejected = old.replication?.role === 'ejected' ? source : undefined
    const { ledger } = await written.whole(ejected)
    console.log(
      `power lost, ${killed} processes, at a promote's ${at} (${state}${ejected ? ', the old source ejected' : ''}): ${ledger.acks.length} acknowledged writes, 0 lost`,
    )
  },
)

/** Of a replica; PostgreSQL may be away. */
async function askForPromote({ set }: WrittenSet) {
  const source = await set.sourceId().catch(() => set.ids[0])
  const candidate = set.ids.find((id) => id !== source) ?? ''
  return stack.client.act(candidate, 'promote_to_replica_source')
}

const comeTo = ({ state, steps = [] }: OperationBody) => `step ${steps.length} (${state})`

async function ended(operationId: string | null): Promise<string> {
  const operation = await stack.client.ended(operationId, PROMOTE_MS_MAX)
  expect(['done', 'rolled_back'], JSON.stringify(operation)).toContain(operation.state)
  return operation.state
}
