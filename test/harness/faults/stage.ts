/*
 * The whole service with weather on every link: the broker is reached through a fault proxy, each member's redis-server through
 * another, and two taskmanagers share the work, so that one may be frozen while the other goes on.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createLogger } from '../../../common/log.js'
import { type PrivateBroker, startPrivateBroker } from '../../../supervisor/broker/private-broker.js'
import { PROGRAM, processesOf, type Stack, startStack } from '../stack.js'
import { type FaultProxy, openFaultProxy } from './fault-proxy.js'
import { detour, endDetour, requireNamespace, UNTOUCHED } from './namespace.js'
import { isBehind } from './process-behind.js'
import type { Link } from './weather.js'

export interface Stage {
  readonly stack: Stack
  readonly dir: string
  readonly broker: StageBroker
  /** Between everybody and the broker. */
  readonly toBroker: FaultProxy
  /** Between the others and a member's redis-server; made when it is first asked for, before anybody connects to it. */
  toMember(host: string): Promise<FaultProxy>
  /** Picks the broker connections of some processes. */
  linksOf(pids: () => readonly number[]): (link: Link) => boolean
  /** Pids of both taskmanagers: the supervisor's, and the stage's own. */
  taskmanagers(): readonly number[]
  /** Starts the stage's own taskmanager again when it has ended. */
  haveSecondTaskmanager(): void
  /** Sets the wall clock of a part (`guestagent`, `taskmanager`, `api`) off by so many ms; 0 puts it right. */
  shiftClock(part: string, byMs: number): void
  /** Place where a process shall die (see REDTROVE_FAILPOINT). */
  readonly failpoint: string
  stop(): Promise<void>
}

export interface StageBroker {
  readonly url: string
  readonly dir: string
  pid(): number
  kill(): Promise<void>
  /** Starts it on its folder; resolves when it accepts connections. */
  start(): Promise<void>
}

/** Times short enough that a trial does not take minutes; everything else as users have it. */
const SETTINGS = {
  REDTROVE_HEARTBEAT_AGE_MS_MAX: '2500',
  REDTROVE_MAX_INSTANCES_PER_PROJECT: '-1',
  REDTROVE_API_REQUESTS_PER_MINUTE: '100000',
}
const CLOCK_SHIFT = pathToFileURL(join(import.meta.dirname, 'clock-shift.mjs')).href

/** Starts it. Fails outside a namespace of the tests' own. */
export async function openStage(extra: Readonly<Record<string, string>> = {}): Promise<Stage> {
  requireNamespace()
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-faults-'))
  const [clocks, failpoint] = [join(dir, 'clocks'), join(dir, 'failpoint')]
  mkdirSync(clocks)
  const broker = await openBroker(join(dir, 'broker'))
  const url = new URL(broker.url)
  const toBroker = await openFaultProxy({ host: '127.0.0.1', port: Number(url.port) })
  url.port = String(toBroker.port)
  const env = {
    ...SETTINGS,
    REDTROVE_AMQP_URL: url.href,
    REDTROVE_FAILPOINT: `file:${failpoint}`,
    REDTROVE_TEST_CLOCKS: clocks,
    NODE_OPTIONS: `--import=${CLOCK_SHIFT}`,
    ...extra,
  }
  const stateDir = join(dir, 'state')
  addStranger(stateDir)
  const stack = await startStack({ env, stateDir })
  const second = secondTaskmanager({ ...env, REDTROVE_STATE_DIR: stateDir })
  const members = new Map<string, FaultProxy>()
  return {
    stack,
    dir,
    broker,
    toBroker,
    failpoint,
    toMember: async (host) => {
      const known = members.get(host)
      if (known) return known
      const proxy = await openFaultProxy({ host, port: 6379, localAddress: UNTOUCHED })
      members.set(host, proxy)
      await detour(host, proxy.port)
      return proxy
    },
    linksOf:
      (pids) =>
      ({ clientPort }) =>
        isBehind(clientPort, pids()),
    taskmanagers: () =>
      processesOf(stateDir)
        .filter(({ line }) => line.includes('redtrove.js serve taskmanager'))
        .map(({ pid }) => pid),
    haveSecondTaskmanager: second.start,
    shiftClock: (part, byMs) => writeFileSync(join(clocks, part), String(byMs)),
    stop: async () => {
      await second.stop()
      await stack.stop()
      for (const [host, proxy] of members) {
        await endDetour(host, proxy.port)
        await proxy.close()
      }
      await toBroker.close()
      await broker.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** A second project with a token of its own, which must never see anything of the first. */
function addStranger(stateDir: string): void {
  const token = (project: string) => ({ token: randomBytes(24).toString('base64url'), project, admin: false })
  mkdirSync(join(stateDir, 'secrets'), { recursive: true, mode: 0o700 })
  const tokens = { tokens: [token('demo'), token('stranger')] }
  writeFileSync(join(stateDir, 'secrets', 'tokens.json'), JSON.stringify(tokens), { mode: 0o600 })
}

async function openBroker(dir: string): Promise<StageBroker & { stop(): Promise<void> }> {
  const log = createLogger('test-broker', 'silent')
  let broker: PrivateBroker = await startPrivateBroker({ dir, log })
  let running = true
  let starting: Promise<void> = Promise.resolve()
  return {
    url: broker.url,
    dir,
    pid: () => broker.pid,
    kill: async () => {
      // Two faults may want the same.
      if (running) process.kill(broker.pid, 'SIGKILL')
      running = false
      await broker.exited
    },
    start: () => {
      const start = async () => {
        if (!running) broker = await startPrivateBroker({ dir, log })
        running = true
      }
      starting = starting.then(start)
      return starting
    },
    stop: () => broker.stop(),
  }
}

function secondTaskmanager(env: Readonly<Record<string, string>>) {
  let child: ChildProcess | null = null
  const running = () => child !== null && child.exitCode === null && child.signalCode === null
  const start = () => {
    if (running()) return
    child = spawn(process.execPath, [PROGRAM, 'serve', 'taskmanager'], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    })
  }
  start()
  return {
    start,
    stop: async () => {
      if (!child || !running()) return
      const ended = new Promise((resolve) => child?.once('exit', resolve))
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      await ended
    },
  }
}
