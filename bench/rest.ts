/* Instances that nobody uses: what their agents, the task manager and the broker cost a host, and how soon a change is told all the same. */
import { join } from 'node:path'
import { waitUntil } from '../common/wait-until.js'
import { connect } from '../store/connect.js'
import { type ReplicaSet, replicaSet } from '../test/harness/replica-set.js'
import { processesOf, type Stack, startStack } from '../test/harness/stack.js'
import { cpuSeconds } from './cpu.js'
import { type Bench, type Figure, ms } from './figure.js'
import { megabytes } from './megabytes.js'
import { summary } from './statistics.js'

const SETS = 40
const REPLICAS = 2
/** After the last create, so that nothing of it is measured. */
const CALM_MS = 15_000
const MEASURED_MS = 60_000
const CORE_PERCENT_MAX = 0.25
const RSS_MB_MAX = 60
const CUTS = 20

export const rest: Bench = {
  name: 'rest',
  run: async (progress) => {
    const stack = await startStack({ env: { REDTROVE_LOG_LEVEL: 'warn' } })
    try {
      await liftQuota(`sqlite:${join(stack.stateDir, 'redtrove.sqlite')}`)
      const sets: ReplicaSet[] = []
      for (let n = 0; n < SETS; n += 1) {
        sets.push(await replicaSet(stack, `rest-${n}`, REPLICAS))
        progress(`${sets.length * (REPLICAS + 1)} of ${SETS * (REPLICAS + 1)} instances`)
      }
      await pause(CALM_MS)
      progress(`resting ${MEASURED_MS / 1000} s`)
      return [await atRest(stack, sets), await changesTold(stack, sets)]
    } finally {
      await stack.stop()
    }
  },
}

/** There is no request for it yet. */
async function liftQuota(databaseUrl: string): Promise<void> {
  const db = connect(databaseUrl)
  try {
    await db('quotas').insert({ project_id: 'demo', resource: 'instances', hard_limit: -1 })
  } finally {
    await db.destroy()
  }
}

async function atRest(stack: Stack, sets: readonly ReplicaSet[]): Promise<Figure> {
  const guests = sets.flatMap(({ ids }) => ids.map((id) => stack.guest(id)))
  const agents = guests.map(({ agentPid }) => agentPid)
  const measured = {
    servers: guests.map(({ serverPid }) => serverPid),
    'task manager': [stack.partPid('taskmanager')],
    supervisor: [stack.pid],
    API: [stack.partPid('api')],
    broker: processesOf(stack.stateDir).flatMap(({ pid, line }) => (line.includes('beam') ? [pid] : [])),
  }
  const before = agents.map(cpuSeconds)
  const others = Object.entries(measured).map(([name, pids]) => ({ name, pids, from: total(pids) }))
  const fromMs = performance.now()
  await pause(MEASURED_MS)
  const seconds = (performance.now() - fromMs) / 1000
  const percents = agents.map((pid, n) => ((cpuSeconds(pid) - (before[n] ?? 0)) / seconds) * 100)
  const rss = agents.map((pid) => megabytes(pid, 'Rss'))
  const pss = agents.map((pid) => megabytes(pid, 'Pss'))
  const [cpu, memory] = [summary(percents), summary(rss)]
  const sum = percents.reduce((all, one) => all + one, 0)
  const beside = others.map(
    ({ name, pids, from }) => `${name} ${(((total(pids) - from) / seconds) * 100).toFixed(1)} %`,
  )
  return {
    name: `agents of ${agents.length} instances that nobody uses`,
    ours: `${(sum / agents.length).toFixed(2)} % of a core each (max ${cpu.max.toFixed(2)} %), resident median ${memory.median.toFixed(0)} MB, max ${memory.max.toFixed(0)} MB`,
    baseline: null,
    ratio: null,
    bar: `≤ ${CORE_PERCENT_MAX} % of a core and ≤ ${RSS_MB_MAX} MB each`,
    holds: sum / agents.length <= CORE_PERCENT_MAX && memory.max <= RSS_MB_MAX,
    raw: { percent: percents, rss, pss },
    notes: [
      `of one core: all agents ${sum.toFixed(0)} %, ${beside.join(', ')}`,
      `memory by share (PSS): median ${summary(pss).median.toFixed(0)} MB, all ${(pss.reduce((all, one) => all + one, 0) / 1024).toFixed(1)} GB`,
    ],
  }
}

/** A replica's link is cut by its own server; the API shows that the replica is not linked. Measured with polls of 10 ms. */
async function changesTold(stack: Stack, sets: readonly ReplicaSet[]): Promise<Figure> {
  const told: number[] = []
  for (const set of sets.slice(0, CUTS)) {
    const id = set.ids[1] ?? ''
    const fromMs = performance.now()
    await stack.asAgent(id, ['replicaof', '127.0.0.1', '1'])
    await waitUntil(
      'the API tells that the link is down',
      () => stack.client.show(id),
      ({ replication }) => replication?.link !== 'up',
      { timeoutMs: 10_000, pollMs: 10 },
    )
    told.push(performance.now() - fromMs)
  }
  const all = summary(told)
  return {
    name: 'a resting replica loses its source → the API shows it',
    ours: `median ${ms(all.median)}, p95 ${ms(all.p95)}, max ${ms(all.max)}`,
    baseline: null,
    ratio: null,
    bar: '≤ 600 ms p95 (a look each 200 ms and the reports of 250 ms in one write, as before)',
    holds: all.p95 <= 600,
    raw: { told },
  }
}

const total = (pids: readonly number[]) => pids.map(cpuSeconds).reduce((all, one) => all + one, 0)
const pause = (timeMs: number) => new Promise<void>((resolve) => setTimeout(resolve, timeMs))
