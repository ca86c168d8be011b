import type { Clock } from '../../common/clock.js'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import type { Observation } from '../../domain/instance/observation.js'
import type { AcceptedState } from '../memory/accepted.js'
import { isBusy } from '../redis/admin.js'
import { FENCE_REPLICAS } from '../redis/conf.js'
import { diskUse } from '../redis/data-folder.js'
import { type InfoFacts, infoFacts, isPersistenceOk, type PersistenceFacts } from '../redis/info.js'
import type { ManagedServer } from '../server/server.js'
import { linkAge } from './link-age.js'
import type { MemoryWatch } from './memory-watch.js'
import { useMeter } from './use-meter.js'

/** A server that has not answered for this long is said to answer nobody; until then it is slow, or still starting. */
const SILENT_MS_MAX = 5_000
/** Shorter than the taskmanager waits for a look, so that a silent server is not taken for a silent agent. */
const ANSWER_MS_MAX = 1_500
const DISK_LOOK_MS = 1_000
/** Nobody fills the disk of a server at rest; its neighbours may. */
const REST_DISK_LOOK_MS = 5_000
/** With less room than this a disk counts as full. */
const FULL_BYTES = 64 * 1024

/** Looks at one redis-server; every look is fresh. */
export interface Observer {
  look(): Promise<Observation>
  /** The last look saw a replica. */
  readonly isReplica: () => boolean
  /** Between the last two looks nobody but this agent, the replicas and the source asked the server for anything worth the name. */
  readonly isUnused: () => boolean
  /**
   * A cheap look at a replica's link alone, so that its age is known finer than looks are made; true when it went up or down since
   * the last look or probe. False on a source or when nobody answers. The server is asked only when its log has changed: it writes a
   * line whenever a link goes up or down (Redis 6.0 to 8.0 and Valkey, at the level `notice`).
   */
  linkChanged(): Promise<boolean>
}

/** Where to look. */
export interface ObserverOptions {
  readonly server: ManagedServer
  readonly accepted: AcceptedState
  readonly dataDir: string
  readonly clock: Clock
  /** What keeps the agent from giving the server its role, if anything. */
  readonly roleFault: () => string | null
  readonly isEmptied: () => boolean
  /** Awaited before a look is given to anybody. */
  readonly remember: (seen: Observation) => Promise<void>
  readonly memory: MemoryWatch
}

type Seen = Pick<Observation, 'service' | 'fenced' | 'fault'> & { readonly facts: InfoFacts }

/** An observer of `server`. */
export function observer(options: ObserverOptions): Observer {
  const { server, accepted, dataDir, clock, roleFault, isEmptied, remember, memory } = options
  const link = linkAge()
  let lastAnswerMs = clock.monotonicMs()
  let answeredBy: number | null = null
  let disk: Awaited<ReturnType<typeof diskUse>> = { usedBytes: null, freeBytes: null }
  let diskAtMs = Number.NEGATIVE_INFINITY
  let probedAtLogBytes = -1
  const use = useMeter(clock)

  async function see(): Promise<Seen> {
    const state = server.state()
    if (state !== 'up') {
      lastAnswerMs = clock.monotonicMs()
      return {
        facts: infoFacts(''),
        service: state,
        fenced: null,
        fault: whyDown(server.fault(), disk.freeBytes),
      }
    }
    try {
      const { info, fenceReplicas } = await soon(server.admin().then((admin) => admin.look()))
      lastAnswerMs = clock.monotonicMs()
      answeredBy = server.process()?.pid ?? null
      const facts = infoFacts(info)
      return {
        facts,
        service: facts.loading ? 'loading' : 'running',
        fenced: fenceReplicas === null ? null : fenceReplicas >= FENCE_REPLICAS,
        fault:
          server.fault() ??
          persistenceFault(facts.persistence, disk.freeBytes) ??
          diskFault(disk.freeBytes) ??
          memory.fault(facts),
      }
    } catch (error) {
      const silentMs = clock.monotonicMs() - lastAnswerMs
      const hasAnswered = answeredBy !== null && answeredBy === server.process()?.pid
      return { facts: infoFacts(''), fenced: null, ...silence(error, silentMs, hasAnswered) }
    }
  }

  async function soon<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const silent = () => reject(new RedtroveError('guest_timeout', 'redis-server does not answer.'))
      timer = setTimeout(silent, ANSWER_MS_MAX)
    })
    try {
      return await Promise.race([answer, late])
    } finally {
      clearTimeout(timer)
    }
  }

  async function look(): Promise<Observation> {
    const diskPeriodMs = use.isUnused() ? REST_DISK_LOOK_MS : DISK_LOOK_MS
    if (clock.monotonicMs() - diskAtMs >= diskPeriodMs) {
      disk = await diskUse(dataDir)
      diskAtMs = clock.monotonicMs()
    }
    const { facts, service, fenced, fault } = await see()
    const nowMs = clock.monotonicMs()
    link.note(facts.link, nowMs)
    use.note(facts)
    const { loading: _, persistence, memory: __, commandsProcessed: ___, ...shown } = facts
    const seen: Observation = {
      ...shown,
      service,
      serverPid: server.process()?.pid ?? null,
      fenced,
      linkDownMs: link.downMs(nowMs),
      diskUsedBytes: disk.usedBytes,
      diskFreeBytes: disk.freeBytes,
      persistenceOk: isPersistenceOk(persistence),
      accepted: accepted.summary(),
      emptied: isEmptied(),
      damaged: server.isDamaged(),
      fault: (fault ?? roleFault())?.slice(0, 2000) ?? null,
    }
    await remember(seen)
    return seen
  }

  async function linkChanged(): Promise<boolean> {
    if (link.last() === null || server.state() !== 'up') return false
    const logBytes = server.logBytes()
    if (logBytes === probedAtLogBytes) return false
    const seen = await (await server.admin()).role()
    probedAtLogBytes = logBytes
    if (seen.role !== 'replica') return false
    const wasUp = link.last() === 'up'
    const isUp = seen.state === 'connected'
    if (wasUp === isUp) return false
    link.note(isUp ? 'up' : 'down', clock.monotonicMs())
    return true
  }

  return { look, linkChanged, isUnused: use.isUnused, isReplica: () => link.last() !== null }
}

const WAY_OUT = 'restart the instance, which keeps every acknowledged write, or eject it if it has replicas'
const BUSY = `A script or function has kept redis-server busy for five seconds or longer, and no other client is served. SCRIPT KILL or FUNCTION KILL ends one that has not written; else ${WAY_OUT}.`

/** What a server that gives no answer is: starting, slow, or of no use to anybody. */
function silence(
  error: unknown,
  silentMs: number,
  hasAnswered: boolean,
): Pick<Observation, 'service' | 'fault'> {
  const sentence = messageOf(error)
  if (isBusy(error)) return { service: 'unresponsive', fault: BUSY }
  if (/\bLOADING\b/.test(sentence)) return { service: 'loading', fault: null }
  if (silentMs < SILENT_MS_MAX && isKind(error))
    return { service: hasAnswered ? 'slow' : 'starting', fault: null }
  const why = isKind(error, 'guest_timeout') ? '' : ` (${sentence})`
  const what = `redis-server runs but has not answered for five seconds or longer${why}`
  return { service: 'unresponsive', fault: `${what}. If no long command is under way, ${WAY_OUT}.` }
}

/** Said before anything fails for it: a replica that cannot take a copy for want of room has no failure of its own. */
function diskFault(freeBytes: number | null): string | null {
  if (freeBytes === null || freeBytes >= FULL_BYTES) return null
  return 'The disk is full. Free some space, and restart the instance if it does not come back by itself.'
}

/** A server that ended because its disk was full could often not even say so: its log is there too. */
function whyDown(fault: string | null, freeBytes: number | null): string | null {
  return fault === null ? null : [diskFault(freeBytes), fault].filter(Boolean).join(' ')
}

function persistenceFault(persistence: PersistenceFacts, freeBytes: number | null): string | null {
  if (persistence.unknown) return null
  const failed = [
    ...(persistence.rdbSaveOk ? [] : ['its last save']),
    ...(persistence.aofWriteOk ? [] : ['its last write to the append-only file']),
    ...(persistence.aofRewriteOk ? [] : ['its last rewrite of the append-only file']),
  ]
  if (failed.length === 0) return null
  const free = freeBytes === null ? '' : ` ${freeBytes} bytes are free;`
  return `redis-server cannot write its data to disk (${failed.join(', ')} failed);${free} it refuses writes until it can. Free some space.`
}
