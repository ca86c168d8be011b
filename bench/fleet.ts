/* Many guests: what their reports cost the control plane, and how fast they are back after their broker was. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from '../common/log.js'
import { keyRing } from '../common/secrets/key-ring.js'
import { masterKey } from '../common/secrets/master-key.js'
import { waitUntil } from '../common/wait-until.js'
import { connect } from '../store/connect.js'
import { startPrivateBroker } from '../supervisor/broker/private-broker.js'
import { processesOf, startStack } from '../test/harness/stack.js'
import { openControlMessaging } from '../wire/control/messaging.js'
import type { SwarmFile } from './agent-swarm.js'
import { cpuSeconds } from './cpu.js'
import { type Bench, type Figure, ms } from './figure.js'
import { fillWithInstances } from './many-instances.js'
import { summary } from './statistics.js'

const FLEETS = [1_000, 10_000]
const PERIOD_MS = 10_000
/** A whole period first, so that every guest has reported; then so long is measured. */
const MEASURED_MS = 30_000
const CORES_MAX = 0.5
const TRANSACTIONS_A_SECOND_MAX = 5
const RETURNING = 1_000
const PROCESSES = 4
const RESTARTS = 5
const BACK_MS_MAX = 5_000
const log = createLogger('bench', 'silent')

export const fleet: Bench = {
  name: 'fleet',
  run: async (progress) => {
    const figures: Figure[] = []
    for (const count of FLEETS) {
      progress(`reports of ${count} guests`)
      figures.push(await reportsOf(count))
    }
    figures.push(await comeBack(progress))
    return figures
  },
}

async function reportsOf(count: number): Promise<Figure> {
  const stack = await startStack({ env: { REDTROVE_LOG_LEVEL: 'warn' } })
  const databaseUrl = `sqlite:${join(stack.stateDir, 'redtrove.sqlite')}`
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-bench-'))
  let swarm: ChildProcess | null = null
  try {
    await fillWithInstances(databaseUrl, 'demo', count)
    const keys = keyRing(await masterKey(join(stack.stateDir, 'secrets', 'master.key')))
    const file = writeSwarm(dir, {
      url: readFileSync(join(stack.stateDir, 'secrets', 'amqp-url'), 'utf8').trim(),
      prefix: 'redtrove',
      guests: (await guestsIn(databaseUrl)).map((guest) => ({
        ...guest,
        key: keys.instanceKey(guest.id).toString('hex'),
      })),
    })
    swarm = startSwarm('reports', file, String(PERIOD_MS))
    await sleep(PERIOD_MS + 2_000)
    const pids = partsOf(stack.stateDir)
    const before = new Map([...pids].map(([name, pid]) => [name, cpuSeconds(pid)]))
    const startedMs = performance.now()
    await sleep(MEASURED_MS)
    const seconds = (performance.now() - startedMs) / 1000
    const cores = new Map(
      [...pids].map(([name, pid]) => [name, (cpuSeconds(pid) - (before.get(name) ?? 0)) / seconds]),
    )
    const { transactions, fresh } = await recentReports(databaseUrl)
    const total = [...cores.values()].reduce((sum, one) => sum + one, 0)
    const each = [...cores].map(([name, used]) => `${name} ${used.toFixed(3)}`).join(', ')
    return {
      name: `reports of ${count} guests, one each ${PERIOD_MS / 1000} s`,
      ours: `${total.toFixed(2)} cores (${each}), ${transactions.toFixed(1)} transactions a second; ${fresh} of ${count} rows fresh`,
      baseline: null,
      ratio: null,
      bar: `10,000 at ≤ ${CORES_MAX} of a core in total, ≤ ${TRANSACTIONS_A_SECOND_MAX} transactions a second`,
      holds: total <= CORES_MAX && transactions <= TRANSACTIONS_A_SECOND_MAX + 0.5 && fresh === count,
      raw: { cores: [...cores.values()] },
    }
  } finally {
    swarm?.kill('SIGKILL')
    await stack.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Of one period: a batch has one time of receipt, and each guest is in one batch. */
async function recentReports(databaseUrl: string): Promise<{ transactions: number; fresh: number }> {
  const db = connect(databaseUrl)
  try {
    const since = Date.now() - PERIOD_MS
    const [batches] = await db('observations')
      .where('received_at_ms', '>=', since)
      .countDistinct({ n: 'received_at_ms' })
    const [rows] = await db('observations')
      .where('received_at_ms', '>=', since - 2_000)
      .count({ n: '*' })
    return { transactions: Number(batches?.n) / (PERIOD_MS / 1000), fresh: Number(rows?.n) }
  } finally {
    await db.destroy()
  }
}

async function guestsIn(databaseUrl: string): Promise<Omit<SwarmFile['guests'][number], 'key'>[]> {
  const db = connect(databaseUrl)
  try {
    const rows: { id: string; set_id: string; role: string; host: string }[] = await db('instances').select(
      'id',
      'set_id',
      'role',
      'host',
    )
    const sources = new Map(rows.filter(({ role }) => role === 'source').map((row) => [row.set_id, row.host]))
    return rows.map(({ id, set_id: setId, role }) => {
      const host = sources.get(setId)
      return { id, setId, follows: role === 'replica' && host ? { host, port: 6379 } : null }
    })
  } finally {
    await db.destroy()
  }
}

function partsOf(stateDir: string): ReadonlyMap<string, number> {
  const all = processesOf(stateDir)
  const pidOf = (mark: string) => all.find(({ line }) => line.includes(mark))?.pid ?? 0
  return new Map([
    ['task manager with database', pidOf('redtrove.js serve taskmanager')],
    ['broker', pidOf('beam.smp')],
    ['API', pidOf('redtrove.js serve api')],
    ['supervisor', pidOf('redtrove.js serve all')],
  ])
}

async function comeBack(progress: (what: string) => void): Promise<Figure> {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-bench-'))
  const keys = keyRing(Buffer.alloc(32, 7))
  const guests = Array.from({ length: RETURNING }, (_, n) => {
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
    return { id, setId: id, follows: null, key: keys.instanceKey(id).toString('hex') }
  })
  let broker = await startPrivateBroker({ dir: join(dir, 'broker'), log })
  const swarms: ChildProcess[] = []
  const connected = new Map<ChildProcess, number>()
  const back: number[] = []
  try {
    progress(`queues of ${RETURNING} guests`)
    const declaredMs = await declare(
      broker.url,
      guests.map(({ id }) => id),
    )
    for (let n = 0; n < PROCESSES; n += 1) {
      const share = guests.filter((_, index) => index % PROCESSES === n)
      const file = writeSwarm(dir, { url: broker.url, prefix: 'redtrove', guests: share }, n)
      const swarm = startSwarm('consumers', file)
      swarm.on('message', (said: { connected: number }) => connected.set(swarm, said.connected))
      swarms.push(swarm)
    }
    const here = () => [...connected.values()].reduce((sum, one) => sum + one, 0)
    await all(here, RETURNING)
    for (let round = 0; round < RESTARTS; round += 1) {
      progress(`restart ${round + 1} of ${RESTARTS}`)
      process.kill(broker.pid, 'SIGKILL')
      await broker.exited
      await all(here, 0)
      broker = await startPrivateBroker({ dir: join(dir, 'broker'), log })
      const acceptsMs = performance.now()
      await all(here, RETURNING)
      back.push(performance.now() - acceptsMs)
    }
    const took = summary(back)
    return {
      name: `broker killed with ${RETURNING} agents: it accepts again → all consuming`,
      ours: `median ${ms(took.median)}, max ${ms(took.max)}; no queue declared`,
      baseline: null,
      ratio: null,
      bar: '≤ 5 s, no queue declared anew',
      holds: took.max <= BACK_MS_MAX,
      raw: { back },
      notes: [
        `declaring the queues of all ${RETURNING} once took ${ms(declaredMs)}; each restart would have cost that again`,
        `${PROCESSES} processes with ${RETURNING / PROCESSES} agents each shared the cores with the broker; real agents are processes of their own`,
      ],
    }
  } finally {
    for (const swarm of swarms) swarm.kill('SIGKILL')
    await broker.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function declare(url: string, ids: readonly string[]): Promise<number> {
  const control = openControlMessaging({ url, keyOf: () => Buffer.alloc(32), log, consume: false })
  try {
    await control.waitConnected(30_000)
    const startedMs = performance.now()
    for (const id of ids) await control.declareGuest(id)
    return performance.now() - startedMs
  } finally {
    await control.close()
  }
}

async function all(count: () => number, wanted: number): Promise<void> {
  await waitUntil(`${wanted} agents consume`, count, (here) => here === wanted, {
    timeoutMs: 120_000,
    pollMs: 10,
  })
}

function writeSwarm(dir: string, swarm: SwarmFile, n = 0): string {
  const file = join(dir, `swarm-${n}.json`)
  writeFileSync(file, JSON.stringify(swarm), { mode: 0o600 })
  return file
}

function startSwarm(...args: string[]): ChildProcess {
  return fork(join(import.meta.dirname, 'agent-swarm.ts'), args, { execArgv: ['--import', 'tsx'] })
}

function sleep(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs))
}
