/*
 * The redis-server of this guest as something that should be up: its conf is written before each start, a crash starts it again,
 * an obstacle (address taken, program missing, data gone) is told and tried again each second. Knows nothing of roles beyond
 * what the conf says.
 */

import type { Clock } from '../../common/clock.js'
import { messageOf, RedtroveError } from '../../common/errors.js'
import { writeDurably } from '../../common/files/durable-file.js'
import type { Logger } from '../../common/log.js'
import type { ProcessIdentity } from '../../common/processes/process-identity.js'
import { openSerial } from '../../common/serial.js'
import { connectionsMaxOf } from '../../domain/instance/flavor.js'
import type { AgentSeed } from '../../wire/agent/seed.js'
import type { AcceptedState } from '../memory/accepted.js'
import type { GuestPaths } from '../paths.js'
import type { RedisAdmin } from '../redis/admin.js'
import { type Capabilities, capabilitiesOf } from '../redis/capabilities.js'
import { agentLogin, confOf } from '../redis/conf.js'
import { renderConf } from '../redis/directive.js'
import type { ReplicationStrategy } from '../strategies/replication/replication-strategy.js'
import { crashLimit } from './crash-limit.js'
import { howEnded, type ServerExit } from './ending.js'
import { probeServerVersion } from './probe-version.js'
import { serverProcess } from './process.js'
import { serverLog } from './server-log.js'
import { startCheck } from './start-check.js'
import { hadData, noteHadData } from './startable.js'
import { endServer, type StopOrder } from './stop-server.js'
import { wayIn } from './way-in.js'

const RETRY_MS = 1_000
/** How long a server that is full may save its data before it is started again. */
const ANEW_STOP_MS = 50_000

/** What a server is made of. */
export interface ServerContext {
  readonly seed: AgentSeed
  readonly paths: GuestPaths
  readonly accepted: AcceptedState
  readonly strategy: ReplicationStrategy
  readonly agentPassword: string
  readonly clock: Clock
  readonly log: Logger
}

/** One redis-server, kept up. */
export interface ManagedServer {
  /** `up`: a process runs; whether it answers is for a look to say. */
  readonly state: () => 'up' | 'stopped' | 'crashed'
  readonly process: () => ProcessIdentity | null
  readonly fault: () => string | null
  /** Adopts a running server, else starts one unless told to stay stopped, or not told yet what it is. */
  open(): Promise<'adopted' | 'started' | 'stopped'>
  /** Starts it if it is not up, with earlier crashes forgotten; an obstacle is in `fault`. */
  start(): Promise<void>
  /** As `endServer`; true when its data was saved whole in dump.rdb. Needs no answer of the server. */
  stop(order: StopOrder): Promise<boolean>
  /** Renders redis.conf from what is accepted now. `appendOnly` is false between a start out of dump.rdb and the moment the file is whole again. */
  writeConf(appendOnly?: boolean): Promise<void>
  /** Durably notes that clients may be served from now on: a later start out of an emptied folder is refused. Repeatable. */
  noteServing(): Promise<void>
  /** A live connection. Fails with `guest_failed` or `guest_timeout` when there is none to be had. */
  admin(): Promise<RedisAdmin>
  readonly can: () => Capabilities
  /** As `StartCheck.consent` and `isDamaged`. */
  consent(given: boolean): void
  readonly isDamaged: () => boolean
  /** Size of what the server has written to its log; another one than before says that it has said something. */
  logBytes(): number
  /** Notices what no event tells: an adopted server that ended, a log that has grown. */
  check(): void
  /** Leaves the server running and lets go of it. */
  release(): void
}

/** `onChange` is called whenever the process ended or was started. */
export function managedServer(context: ServerContext, onChange: () => void): ManagedServer {
  const { seed, paths, accepted, strategy, agentPassword, clock, log } = context
  const output = serverLog(paths.log, paths.olderLog)
  const crashes = crashLimit()
  const checks = startCheck({ seed, paths, accepted, log })
  const inLine = openSerial()
  const confLine = openSerial()
  let capabilities: Capabilities | null = null
  let state: 'up' | 'stopped' | 'crashed' = 'stopped'
  let fault: string | null = null
  let stopping = false
  let released = false
  let retry: NodeJS.Timeout | undefined
  let logFrom = 0

  const process = serverProcess(paths, output, (ended, exit) => {
    way.drop()
    state = 'stopped'
    if (!stopping && !released) crashed(ended, exit)
    onChange()
  })

  function crashed(ended: ProcessIdentity, exit: ServerExit | null): void {
    const said = output.tail(logFrom)
    const words = howEnded(exit, said, secrets())
    checks.noteEnd(said)
    const again = crashes.note(clock.monotonicMs())
    fault = again
      ? `redis-server ended: ${words}`
      : `redis-server crashed three times within a minute and is not started again: ${words}`
    log.warn({ serverPid: ended.pid, again, fault }, 'redis-server ended')
    if (again) void inLine(startNow)
    else state = 'crashed'
  }

  function secrets(): readonly string[] {
    const { application, replication } = accepted.current().assignment.credentials
    return [...application, replication, agentPassword]
  }

  async function startNow(): Promise<void> {
    clearTimeout(retry)
    const { stopped, newborn } = accepted.current()
    if (released || process.current() || stopped || newborn) return
    try {
      capabilities = capabilitiesOf(await probeServerVersion(seed.redisServer))
      const mode = await checks.prepare(capabilities)
      const { assignment } = accepted.current()
      await writeConf(mode !== 'rdb')
      logFrom = output.sizeBytes()
      const { pid } = await process.start(seed.redisServer)
      state = 'up'
      fault = null
      void way.enter(() => process.current()?.pid === pid && !released)
      log.info({ serverPid: pid, role: assignment.role, mode }, 'redis-server started')
    } catch (error) {
      const sentence = messageOf(error)
      if (sentence !== fault) log.error({ err: sentence }, 'redis-server cannot be started')
      fault = sentence
      state = 'stopped'
      retry = setTimeout(() => void inLine(startNow), RETRY_MS)
      retry.unref()
    }
    onChange()
  }

  // A server that was just started may not have read its conf yet: out of dump.rdb it starts only while that says no append-only file.
  function writeConf(appendOnly = !accepted.current().startFromRdb): Promise<void> {
    return confLine(async () => {
      const { assignment } = accepted.current()
      const text = confOf({
        can: can(),
        assignment,
        endpoint: seed.spec.endpoint,
        dataDir: paths.data,
        socket: paths.socket,
        pidFile: paths.redisPid,
        agentPassword,
        dataBytes: seed.spec.maxMemoryBytes,
        connectionsMax: connectionsMaxOf(seed.spec.ramMb),
        replication: strategy.directives(can()),
        user: [],
        appendOnly,
      })
      await writeDurably(paths.conf, renderConf(text))
    })
  }

  function can(): Capabilities {
    if (capabilities) return capabilities
    throw new RedtroveError('guest_failed', fault ?? 'redis-server was not started yet.')
  }

  const way = wayIn({
    target: () => {
      if (!process.current()) throw new RedtroveError('guest_failed', fault ?? 'redis-server does not run.')
      const login = agentLogin(can(), accepted.current().assignment, agentPassword)
      return { socket: paths.socket, login, can: can(), agentPassword }
    },
    clock,
    lockedOutMsMax: seed.lockedOutMs,
    onClose: () => {
      process.check()
      onChange()
    },
    onLockedOut: () =>
      void inLine(startAnew).catch((error) => log.error({ err: messageOf(error) }, 'locked out')),
  })

  /** Whoever is locked out of a full server comes in first when it starts. Its data are saved, so replicas go on where they were. */
  async function startAnew(): Promise<void> {
    log.warn('redis-server is full and its agent is locked out; it is started again')
    if (await stopNow({ timeoutMs: ANEW_STOP_MS, force: false }))
      await accepted.update({ startFromRdb: can().resumesFromRdb })
    await startNow()
  }

  async function stopNow(order: StopOrder): Promise<boolean> {
    clearTimeout(retry)
    if (!process.current()) {
      if (state === 'crashed') state = 'stopped'
      return false
    }
    stopping = true
    const from = output.sizeBytes()
    const words = () => output.tail(from)
    const { current, terminate, kill } = process
    try {
      return await endServer({ current, terminate, kill, admin: way.admin, words, clock, log }, order)
    } finally {
      stopping = false
    }
  }

  return {
    state: () => state,
    process: process.current,
    fault: () => fault,
    open: () =>
      inLine(async () => {
        const found = process.adopt()
        if (!found) {
          await startNow()
          return state === 'up' ? 'started' : 'stopped'
        }
        state = 'up'
        logFrom = output.sizeBytes()
        capabilities = capabilitiesOf(await probeServerVersion(seed.redisServer))
        log.info({ serverPid: found.pid }, 'redis-server adopted')
        return 'adopted'
      }),
    start: () =>
      inLine(async () => {
        crashes.forget()
        await startNow()
      }),
    stop: (order) => inLine(() => stopNow(order)),
    writeConf,
    noteServing: async () => {
      if (hadData(paths.hadData) === null) await noteHadData(paths.hadData, 0)
    },
    admin: way.admin,
    can,
    consent: checks.consent,
    isDamaged: checks.isDamaged,
    logBytes: () => output.sizeBytes(),
    check: () => {
      process.check()
      output.trim()
    },
    release: () => {
      released = true
      clearTimeout(retry)
      way.drop()
      process.release()
    },
  }
}
