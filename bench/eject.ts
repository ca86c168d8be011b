/* A source whose host hangs: our eject, called as soon as it is accepted, beside three sentinels that watch for one second, in turns. */
import { waitUntil } from '../common/wait-until.js'
import { missingOn, startWriters, type Writers } from '../demo/writers.js'
import { type ReplicaSet, replicaSet, withRedis } from '../test/harness/replica-set.js'
import { type Stack, startStack } from '../test/harness/stack.js'
import { type Bench, type Figure, ms, times } from './figure.js'
import { followRaw, RAW_PASSWORD, type RawServer, rawServer, sentinels } from './raw-servers.js'
import { ratios, summary } from './statistics.js'

const PAIRS = 10
const WRITERS = 8
const WARM_UP_ACKS = 1_000
const SENTINEL_DOWN_AFTER_MS = 1_000

interface Round {
  /** From the accepted call, or from the moment of freezing where nobody calls. */
  readonly firstWriteMs: number
  /** From the moment of freezing. */
  readonly outageMs: number
  readonly acks: number
  readonly lost: number
}

export const eject: Bench = {
  name: 'eject',
  run: async (progress) => {
    const stack = await startStack({ env: { REDTROVE_MAX_INSTANCES_PER_PROJECT: '-1' } })
    const ours: Round[] = []
    const theirs: Round[] = []
    try {
      for (let round = 0; round < PAIRS; round += 1) {
        progress(`pair ${round + 1} of ${PAIRS}`)
        ours.push(await ejectOnce(stack, round))
        theirs.push(await failOverOnce(round))
      }
    } finally {
      await stack.stop()
    }
    return figuresOf(ours, theirs)
  },
}

async function ejectOnce(stack: Stack, round: number): Promise<Round> {
  const { client } = stack
  const set = await replicaSet(stack, `eject-${round}`, 2)
  const source = await set.sourceId()
  await untilStreaming(set)
  const options = { members: () => set.endpoints, password: set.password, writers: WRITERS, prefix: 'e' }
  const writers = startWriters(options)
  await writing(writers)
  const frozenMs = performance.now()
  for (const pid of stack.guestPids(source)) process.kill(pid, 'SIGSTOP')
  let acceptedMs = 0
  const answer = await waitUntil(
    'the eject is accepted',
    () => {
      acceptedMs = performance.now()
      return client.act(source, 'eject_replica_source')
    },
    ({ status }) => status === 202,
    { timeoutMs: 30_000, pollMs: 50 },
  )
  const firstMs = await firstWriteElsewhere(writers, set.endpointOf(source).host, frozenMs)
  const operation = await client.ended(answer.operationId)
  if (operation.state !== 'done') throw new Error(`eject ended ${JSON.stringify(operation)}`)
  const ledger = await writers.stop()
  const lost = await missingOn(set.endpointOf(await set.sourceId()), set.password, 'e', ledger)
  await removeAll(stack, set)
  return {
    firstWriteMs: firstMs - acceptedMs,
    outageMs: firstMs - frozenMs,
    acks: ledger.acks.length,
    lost: lost.length,
  }
}

/** A replica that has just linked up may get its first bytes a second later; what is measured here is the eject. */
async function untilStreaming(set: ReplicaSet): Promise<void> {
  const offsets = () =>
    Promise.all(
      set.endpoints.map((endpoint) =>
        withRedis(endpoint, set.password, async (redis) =>
          Number(/_repl_offset:(\d+)/.exec(await redis.info('replication'))?.[1]),
        ),
      ),
    )
  const before = await offsets()
  await waitUntil(
    'every member has received a ping',
    offsets,
    (now) => now.every((offset, index) => offset > (before[index] ?? 0)),
    { timeoutMs: 10_000 },
  )
}

async function removeAll({ client }: Stack, set: ReplicaSet): Promise<void> {
  for (const id of [...set.ids, ...set.ids]) {
    const answer = await client.send('DELETE', `/instances/${id}`)
    if (answer.status === 202) await client.ended(answer.operationId)
  }
}

async function failOverOnce(round: number): Promise<Round> {
  const servers = await Promise.all([rawServer(), rawServer(), rawServer()])
  const [source, ...replicas] = servers as [RawServer, ...RawServer[]]
  for (const replica of replicas) await followRaw(replica, source)
  const watch = await sentinels(source.endpoint, SENTINEL_DOWN_AFTER_MS)
  try {
    const members = servers.map(({ endpoint }) => endpoint)
    const prefix = `e${round}`
    const writers = startWriters({ members: () => members, password: RAW_PASSWORD, writers: WRITERS, prefix })
    await writing(writers)
    const frozenMs = performance.now()
    process.kill(source.pid, 'SIGSTOP')
    const firstMs = await firstWriteElsewhere(writers, source.endpoint.host, frozenMs)
    const ledger = await writers.stop()
    const roles = await Promise.all(replicas.map(async ({ admin }) => (await admin.role())[0]))
    const leader = replicas[roles.indexOf('master')] as RawServer
    const lost = await missingOn(leader.endpoint, RAW_PASSWORD, prefix, ledger)
    const took = firstMs - frozenMs
    return { firstWriteMs: took, outageMs: took, acks: ledger.acks.length, lost: lost.length }
  } finally {
    await watch.stop()
    await Promise.all(servers.map((one) => one.stop()))
  }
}

async function writing({ ledger }: Writers): Promise<void> {
  await waitUntil(
    'the writers write',
    () => ledger.acks.length,
    (acks) => acks >= WARM_UP_ACKS,
    { timeoutMs: 20_000, pollMs: 5 },
  )
}

async function firstWriteElsewhere(
  { ledger }: Writers,
  frozenHost: string,
  frozenMs: number,
): Promise<number> {
  const first = await waitUntil(
    'another member acknowledges a write',
    () => ledger.acks.find(({ atMs, member }) => atMs > frozenMs && member !== frozenHost),
    (ack) => ack !== undefined,
    { timeoutMs: 60_000, pollMs: 5 },
  )
  return first?.atMs ?? Number.NaN
}

function figuresOf(ours: readonly Round[], theirs: readonly Round[]): readonly Figure[] {
  const of = (rounds: readonly Round[], what: keyof Round) => rounds.map((round) => round[what])
  const total = (rounds: readonly Round[], what: keyof Round) =>
    of(rounds, what).reduce((sum, one) => sum + one, 0)
  const call = summary(of(ours, 'firstWriteMs'))
  const [outage, outageRaw] = [summary(of(ours, 'outageMs')), summary(of(theirs, 'outageMs'))]
  const lost = total(ours, 'lost')
  return [
    {
      name: "eject, source's host frozen: accepted call → first acknowledged write",
      ours: `median ${ms(call.median)}, p95 ${ms(call.p95)}; ${lost} of ${total(ours, 'acks')} writes lost`,
      baseline: null,
      ratio: null,
      bar: '≤ 1 s p95',
      holds: call.p95 <= 1_000,
      raw: { ours: of(ours, 'firstWriteMs') },
      notes: [
        `frozen → first write, with default settings and the call sent until it is accepted: median ${ms(outage.median)}; three sentinels with down-after 1 s, no call: median ${ms(outageRaw.median)} (${times(ratios(of(ours, 'outageMs'), of(theirs, 'outageMs')))}); Sentinel lost ${total(theirs, 'lost')} of ${total(theirs, 'acks')} acknowledged writes`,
      ],
    },
  ]
}
