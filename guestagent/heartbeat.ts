import type { Clock } from '../common/clock.js'
import type { Observation } from '../common/domain/observation.js'
import { messageOf } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import type { Observer } from './observer.js'
import { reserveKeeper } from './reserve.js'
import type { ManagedServer } from './server.js'

/** How often the server is looked at; a change is reported at the look that sees it. */
const LOOK_MS = 200
/** How often a replica's link is looked at in between: how fine `linkDownMs` is. */
const PROBE_MS = 40

/** Who is looked at, how often it is reported, and where. */
export interface HeartbeatOptions {
  readonly observer: Observer
  readonly server: ManagedServer
  readonly report: (observation: Observation) => void
  readonly heartbeatMs: number
  readonly clock: Clock
  readonly log: Logger
}

/** A heartbeat that beats. */
export interface Heartbeat {
  /** Look and report now. */
  kick(): void
  stop(): Promise<void>
}

/** Looks, reports and waits, until it is stopped: each `heartbeatMs`, and at once when something that matters changed. */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { observer, server, report, heartbeatMs, clock, log } = options
  const keepReserve = reserveKeeper(server, log)
  let stopping = false
  let wake = new AbortController()
  let kicked = false
  let lastReportMs = Number.NEGATIVE_INFINITY
  let lastShape = ''

  async function beat(): Promise<void> {
    server.check()
    const observation = await observer.look()
    await keepReserve(observation).catch((error: unknown) =>
      log.warn({ reason: messageOf(error) }, 'reserve of connections not kept'),
    )
    const shape = shapeOf(observation)
    const due = clock.monotonicMs() - lastReportMs >= heartbeatMs - LOOK_MS / 2
    if (!due && shape === lastShape) return
    report(observation)
    lastReportMs = clock.monotonicMs()
    lastShape = shape
  }

  async function run(): Promise<void> {
    while (!stopping) {
      kicked = false
      try {
        await beat()
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'look failed')
      }
      await untilNextLook()
    }
  }

  /** The rest of the time between looks, cut short by a kick or by a link that went up or down. */
  async function untilNextLook(): Promise<void> {
    const nextMs = clock.monotonicMs() + LOOK_MS
    for (;;) {
      const leftMs = nextMs - clock.monotonicMs()
      if (leftMs <= 0 || kicked || stopping) return
      wake = new AbortController()
      const napMs = observer.isReplica() ? Math.min(PROBE_MS, leftMs) : leftMs
      await clock.sleep(napMs, wake.signal).catch(() => undefined)
      if (await observer.linkChanged().catch(() => true)) return
    }
  }

  const done = run()
  return {
    kick: () => {
      kicked = true
      wake.abort()
    },
    stop: () => {
      stopping = true
      wake.abort()
      return done
    },
  }
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
