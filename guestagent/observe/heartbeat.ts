/*
 * Looks at a redis-server and reports what was seen. A server in use, or one that something has just happened to, is looked at five times a
 * second; a server at rest once a heartbeat, because hundreds of agents on one host do nothing else all day. What happens to a server at
 * rest wakes its agent: the process ends, its connection closes, its log grows, a command of the control plane arrives.
 */
import type { Clock } from '../../common/clock.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { Observation } from '../../domain/instance/observation.js'
import { reserveKeeper } from '../server/reserve.js'
import type { ManagedServer } from '../server/server.js'
import type { LogWatch } from './log-watch.js'
import type { Observer } from './observer.js'

/** How often the server is looked at; a change is reported at the look that sees it. */
const LOOK_MS = 200
/** How often a server at rest is looked at. */
const REST_LOOK_MS = 1_000
/** How long a server is looked at often after anything happened to it. */
const RESTLESS_MS = 3_000
/** How often a replica's link is looked at in between: how fine `linkDownMs` is. */
const PROBE_MS = 40

/** Who is looked at, how often it is reported, and where. */
export interface HeartbeatOptions {
  readonly observer: Observer
  readonly server: ManagedServer
  readonly report: (observation: Observation) => void
  /** Has the kernel tell of each line of the server's log; without that a server is never at rest. */
  readonly watch: (onWritten: () => void) => LogWatch
  readonly heartbeatMs: number
  readonly clock: Clock
  readonly log: Logger
}

/** A heartbeat that beats. */
export interface Heartbeat {
  /** Look and report now. */
  kick(): void
  /** Something may have changed: look within the time in which a server in use is looked at, and go on looking often for a while. */
  stir(): void
  stop(): Promise<void>
}

/** Looks, reports and waits, until it is stopped: each `heartbeatMs`, and at once when something that matters changed. */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { observer, server, report, heartbeatMs, clock, log } = options
  const keepReserve = reserveKeeper(server, log)
  let stopping = false
  let wake = new AbortController()
  let kicked = false
  let restlessUntilMs = clock.monotonicMs() + RESTLESS_MS
  let lastReportMs = Number.NEGATIVE_INFINITY
  let lastShape = ''

  async function beat(): Promise<void> {
    server.check()
    const observation = await observer.look()
    await keepReserve(observation).catch((error: unknown) =>
      log.warn({ reason: messageOf(error) }, 'reserve of connections not kept'),
    )
    const shape = shapeOf(observation)
    const changed = shape !== lastShape
    if (changed || !isSettled(observation)) stayRestless()
    const due = clock.monotonicMs() - lastReportMs >= heartbeatMs - LOOK_MS / 2
    if (!due && !changed) return
    report(observation)
    lastReportMs = clock.monotonicMs()
    lastShape = shape
  }

  function stir(): void {
    stayRestless()
    wake.abort()
  }

  function stayRestless(): void {
    restlessUntilMs = clock.monotonicMs() + RESTLESS_MS
  }

  async function run(): Promise<void> {
    while (!stopping) {
      kicked = false
      try {
        await beat()
      } catch (error) {
        stayRestless()
        log.warn({ reason: messageOf(error) }, 'look failed')
      }
      await untilNextLook(clock.monotonicMs())
    }
  }

  function periodMs(): number {
    const rests = logWatch.works() && observer.isUnused() && clock.monotonicMs() >= restlessUntilMs
    return rests ? Math.min(REST_LOOK_MS, heartbeatMs) : LOOK_MS
  }

  /** The rest of the time between looks, cut short by a kick, a stir, or a link that went up or down. */
  async function untilNextLook(lookedAtMs: number): Promise<void> {
    for (;;) {
      const leftMs = lookedAtMs + periodMs() - clock.monotonicMs()
      if (leftMs <= 0 || kicked || stopping) return
      wake = new AbortController()
      await clock.sleep(napMs(leftMs), wake.signal).catch(() => undefined)
      if (await observer.linkChanged().catch(() => true)) return
    }
  }

  function napMs(leftMs: number): number {
    return observer.isReplica() && !logWatch.works() ? Math.min(PROBE_MS, leftMs) : leftMs
  }

  const logWatch = options.watch(stir)
  const done = run()
  return {
    kick: () => {
      kicked = true
      stayRestless()
      wake.abort()
    },
    stir,
    stop: () => {
      logWatch.close()
      stopping = true
      wake.abort()
      return done
    },
  }
}

/** Nothing is under way that goes on without a line in the log. */
function isSettled({ service, fault, link, connectedReplicas }: Observation): boolean {
  const linked = link === null || link === 'up'
  return (
    service === 'running' &&
    fault === null &&
    linked &&
    connectedReplicas.every(({ state }) => state === 'online')
  )
}

/** What is reported at once when it changes; numbers that move all the time are left out. */
function shapeOf(seen: Observation): string {
  const { service, serverPid, role, fenced, replicationId, link, following, fault, accepted, persistenceOk } =
    seen
  const replicas = seen.connectedReplicas.map(({ host, state }) => `${host} ${state}`)
  return JSON.stringify([
    service,
    serverPid,
    role,
    fenced,
    replicationId,
    link,
    following,
    fault,
    accepted,
    persistenceOk,
    replicas,
  ])
}
