/* A planned change of the source under eight writers: ours over HTTP, beside Redis' own FAILOVER on bare servers, in turns. */
import { waitUntil } from '../common/wait-until.js'
import { missingOn, startWriters, type Writers, worstGaps } from '../demo/writers.js'
import { type ReplicaSet, replicaSet } from '../test/harness/replica-set.js'
import { type Stack, startStack } from '../test/harness/stack.js'
import type { OperationBody } from '../test/harness/trove-client.js'
import { type Bench, type Figure, ms, times } from './figure.js'
import { followRaw, RAW_PASSWORD, type RawServer, rawServer } from './raw-servers.js'
import { watchStalls } from './stalls.js'
import { ratios, summary } from './statistics.js'

const PAIRS = 20
const WRITERS = 8
const WARM_UP_ACKS = 1_500
/** Writing goes on for so long after the change, so that a late gap is seen too. */
const AFTER_MS = 300

interface Round {
  readonly firstWriteMs: number
  /** Longest time in which nobody's write was acknowledged. */
  readonly gapMs: number
  /** Longest that one writer waited. */
  readonly waitMs: number
  readonly acks: number
  readonly lost: number
  /** How long the process that writes and measures stood still at most. */
  readonly stallMs: number
}

/** With the milliseconds that each step took, by the operation's own record. */
interface Promoted extends Round {
  readonly steps: Readonly<Record<string, number>>
}

const SLOWEST = 3

export const promote: Bench = {
  name: 'promote',
  run: async (progress) => {
    const stack = await startStack()
    const raw = await Promise.all([rawServer(), rawServer(), rawServer()])
    try {
      const set = await replicaSet(stack, 'bench', 2)
      const [first, ...others] = raw
      for (const one of others) await followRaw(one, first as RawServer)
      const ours: Promoted[] = []
      const theirs: Round[] = []
      const full = await set.fullSyncs()
      for (let round = 0; round < PAIRS; round += 1) {
        progress(`pair ${round + 1} of ${PAIRS}`)
        ours.push(await promoteOnce(stack, set, round))
        theirs.push(await failOverOnce(raw, round))
      }
      const copied = (await set.fullSyncs()) - full
      return figuresOf(ours, theirs, copied)
    } finally {
      await Promise.all(raw.map((one) => one.stop()))
      await stack.stop()
    }
  },
}

async function promoteOnce({ client }: Stack, set: ReplicaSet, round: number): Promise<Promoted> {
  const source = await set.sourceId()
  const candidate = set.ids.find((id) => id !== source) ?? ''
  for (const id of set.ids) await client.healthy(id)
  const prefix = `r${round}`
  const writers = startWriters({
    members: () => set.endpoints,
    password: set.password,
    writers: WRITERS,
    prefix,
  })
  let steps: Promoted['steps'] = {}
  const result = await measure(writers, set.endpointOf(candidate).host, async () => {
    const answer = await client.act(candidate, 'promote_to_replica_source')
    const operation = await client.ended(answer.operationId)
    if (operation.state !== 'done') throw new Error(`promote ended ${JSON.stringify(operation)}`)
    steps = stepsOf(operation)
  })
  const ledger = await writers.stop()
  await set.linksUp(candidate)
  const lost = await missingOn(set.endpointOf(candidate), set.password, prefix, ledger)
  return { ...result, steps, acks: ledger.acks.length, lost: lost.length }
}

async function failOverOnce(servers: readonly RawServer[], round: number): Promise<Round> {
  const roles = await Promise.all(servers.map(async ({ admin }) => String((await admin.role())[0])))
  const source = servers[roles.indexOf('master')] as RawServer
  const target = servers.find((one) => one !== source && one !== servers[2]) as RawServer
  const prefix = `r${round}`
  const members = [source.endpoint, target.endpoint]
  const writers = startWriters({ members: () => members, password: RAW_PASSWORD, writers: WRITERS, prefix })
  const { host, port } = target.endpoint
  const result = await measure(writers, host, async () => {
    await source.admin.call('FAILOVER', 'TO', host, String(port), 'TIMEOUT', '10000')
    await waitUntil(
      'the failover has ended',
      async () => (await target.admin.role())[0],
      (role) => role === 'master',
      { timeoutMs: 15_000, pollMs: 2 },
    )
  })
  const ledger = await writers.stop()
  await waitUntil(
    'the old source follows',
    () => source.admin.info('replication'),
    (info) => info.includes('master_link_status:up'),
    { timeoutMs: 15_000 },
  )
  const lost = await missingOn(target.endpoint, RAW_PASSWORD, prefix, ledger)
  return { ...result, acks: ledger.acks.length, lost: lost.length }
}

async function measure(
  writers: Writers,
  newSource: string,
  change: () => Promise<void>,
): Promise<Pick<Round, 'firstWriteMs' | 'gapMs' | 'waitMs' | 'stallMs'>> {
  const { ledger } = writers
  await until(() => ledger.acks.length >= WARM_UP_ACKS)
  // FAILOVER waits for the replica's report, which comes once a second: no moment of that second is to be preferred.
  const startMs = performance.now() + Math.random() * 1000
  await until(() => performance.now() >= startMs)
  const stall = watchStalls()
  const calledMs = performance.now()
  await change()
  const first = await waitUntil(
    'the new source acknowledges a write',
    () => ledger.acks.find(({ atMs, member }) => atMs > calledMs && member === newSource),
    (ack) => ack !== undefined,
    { timeoutMs: 15_000, pollMs: 5 },
  )
  const endMs = performance.now() + AFTER_MS
  await until(() => performance.now() >= endMs)
  const gaps = worstGaps(ledger, calledMs, endMs)
  const firstWriteMs = (first?.atMs ?? 0) - calledMs
  return { firstWriteMs, gapMs: gaps.anyMs, waitMs: gaps.oneMs, stallMs: stall() }
}

async function until(isSo: () => boolean): Promise<void> {
  await waitUntil('the writers are that far', isSo, (so) => so, { timeoutMs: 20_000, pollMs: 5 })
}

function stepsOf({ steps }: OperationBody): Promoted['steps'] {
  return Object.fromEntries(
    (steps ?? []).map(({ name, duration_ms: durationMs }) => [name, durationMs ?? Number.NaN]),
  )
}

function medianSteps(rounds: readonly Promoted[]): Promoted['steps'] {
  const names = Object.keys(rounds[0]?.steps ?? {})
  const valuesOf = (name: string) => rounds.map(({ steps }) => steps[name] ?? Number.NaN)
  return Object.fromEntries(names.map((name) => [name, summary(valuesOf(name)).median]))
}

function said(steps: Promoted['steps']): string {
  return Object.entries(steps)
    .map(([name, value]) => `${name} ${ms(value)}`)
    .join(', ')
}

function figuresOf(ours: readonly Promoted[], theirs: readonly Round[], copied: number): readonly Figure[] {
  const of = (rounds: readonly Round[], what: keyof Round) => rounds.map((round) => round[what])
  const total = (rounds: readonly Round[], what: keyof Round) =>
    of(rounds, what).reduce((sum, one) => sum + one, 0)
  const [call, callRaw] = [summary(of(ours, 'firstWriteMs')), summary(of(theirs, 'firstWriteMs'))]
  const [gap, gapRaw] = [summary(of(ours, 'gapMs')), summary(of(theirs, 'gapMs'))]
  const [wait, waitRaw] = [summary(of(ours, 'waitMs')), summary(of(theirs, 'waitMs'))]
  const callRatio = ratios(of(ours, 'firstWriteMs'), of(theirs, 'firstWriteMs'))
  const gapRatio = ratios(of(ours, 'gapMs'), of(theirs, 'gapMs'))
  const lost = total(ours, 'lost')
  return [
    {
      name: 'promote: HTTP call → first acknowledged write on the new source',
      ours: `median ${ms(call.median)}, p95 ${ms(call.p95)}`,
      baseline: `FAILOVER: median ${ms(callRaw.median)}, p95 ${ms(callRaw.p95)}`,
      ratio: times(callRatio),
      bar: '≤ 0.25 × FAILOVER, ≤ 250 ms p95',
      holds: callRatio.median <= 0.25 && call.p95 <= 250,
      raw: { ours: of(ours, 'firstWriteMs'), failover: of(theirs, 'firstWriteMs') },
    },
    {
      name: 'promote: longest time in which nobody could write',
      ours: `median ${ms(gap.median)}, p95 ${ms(gap.p95)}; ${lost} of ${total(ours, 'acks')} writes lost`,
      baseline: `FAILOVER: median ${ms(gapRaw.median)}, p95 ${ms(gapRaw.p95)}; ${total(theirs, 'lost')} of ${total(theirs, 'acks')} lost`,
      ratio: times(gapRatio),
      bar: '≤ 60 ms p95, 0 lost',
      holds: gap.p95 <= 60 && lost === 0,
      raw: { ours: of(ours, 'gapMs'), failover: of(theirs, 'gapMs') },
      notes: [
        `the writer that waited longest: median ${ms(wait.median)}, p95 ${ms(wait.p95)}; with FAILOVER median ${ms(waitRaw.median)}, p95 ${ms(waitRaw.p95)}`,
        `${copied} full synchronisations in ${ours.length} promotes`,
        `steps, median of the operations' own record: ${said(medianSteps(ours))}`,
        ...[...ours]
          .sort((one, other) => other.gapMs - one.gapMs)
          .slice(0, SLOWEST)
          .map(
            ({ gapMs, stallMs, steps }) =>
              `a gap of ${ms(gapMs)}: the process that wrote and measured stood still for up to ${ms(stallMs)}; ${said(steps)}`,
          ),
      ],
    },
  ]
}
