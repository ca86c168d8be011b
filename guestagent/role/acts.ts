/*
 * What makes the running server what the state on disk says it is. Each act may be repeated; believed is what INFO shows
 * afterwards, not the OK.
 */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../../common/clock.js'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { waitUntil } from '../../common/wait-until.js'
import { type Endpoint, isSameEndpoint } from '../../domain/instance/endpoint.js'
import { memoryBudget } from '../../domain/instance/memory-budget.js'
import type { Assignment } from '../../domain/replication/assignment.js'
import type { AcceptedState } from '../memory/accepted.js'
import { isBusy, type RedisAdmin } from '../redis/admin.js'
import { FENCE_REPLICAS, PING_PERIOD_SECONDS } from '../redis/conf.js'
import { infoFacts } from '../redis/info.js'
import { memorySettings } from '../redis/memory-directives.js'
import { limitProcessMemory } from '../server/process-limit.js'
import type { ManagedServer } from '../server/server.js'
import type { ReplicationStrategy } from '../strategies/replication/replication-strategy.js'

const POLL_MS = 20
const ROLE_POLL_MS = 2

/** The server, and what is known of what it should be. */
export interface RoleActsOptions {
  readonly server: ManagedServer
  readonly accepted: AcceptedState
  readonly strategy: ReplicationStrategy
  /** What the instance's flavor gives to data; 0 is no limit. */
  readonly dataBytes: number
  readonly clock: Clock
  readonly log: Logger
}

/** Deadlines are on the clock's monotonic scale; all acts fail with `guest_failed` or `guest_timeout`. */
export interface RoleActs {
  /**
   * Waits until redis-server answers with its data loaded. Fails at once when it will not do so by itself, and when it serves nobody, so
   * that an order that ends it has its turn; `patient` waits for that too, as after a start: one large key is loaded without a word.
   */
  untilServing(deadlineMs: number, patient?: boolean): Promise<RedisAdmin>
  /** Passwords, then the role with its fence, then a look. `onChanged` is called between the change and the look. */
  take(admin: RedisAdmin, deadlineMs: number, onChanged?: () => void): Promise<void>
  /** A source that does not know yet whether it still is one: no writes, whatever it follows. */
  hold(admin: RedisAdmin): Promise<void>
  /** After a start out of dump.rdb: the append-only file whole again, on disk and in redis.conf. */
  makeDurable(admin: RedisAdmin, deadlineMs: number): Promise<void>
  applyPasswords(admin: RedisAdmin): Promise<void>
  /** The bounds of memory, once a server process: one that an older agent started may have others. */
  applyMemory(admin: RedisAdmin): Promise<void>
  /** Ends a replica's link and keeps it down by a wrong password at run time, whatever else is applied, until `joinLink`. */
  cutLink(admin: RedisAdmin): Promise<void>
  /** The next act puts the password back. */
  joinLink(): void
}

/** The acts on one server. */
export function roleActs({ server, accepted, strategy, dataBytes, clock, log }: RoleActsOptions): RoleActs {
  let passwordsOf: string | null = null
  let memoryOf: string | null = null
  let cutFor: number | null = null
  const leftMs = (deadlineMs: number) => Math.max(1, deadlineMs - clock.monotonicMs())

  async function applyPasswords(admin: RedisAdmin): Promise<void> {
    const { credentials } = accepted.current().assignment
    const { pid, startTime } = server.process() ?? { pid: 0, startTime: '' }
    if (cutFor === pid) return
    const wanted = JSON.stringify([pid, startTime, credentials])
    if (passwordsOf === wanted) return
    await admin.setPasswords(credentials)
    passwordsOf = wanted
  }

  async function applyMemory(admin: RedisAdmin): Promise<void> {
    const { pid, startTime } = server.process() ?? { pid: 0, startTime: '' }
    const wanted = `${pid} ${startTime}`
    if (memoryOf === wanted) return
    const limited = limitProcessMemory(pid, memoryBudget(dataBytes).processBytes).catch((error: unknown) =>
      log.warn({ serverPid: pid, reason: messageOf(error) }, 'the memory of scripts is not bounded'),
    )
    await admin.configSetAll(memorySettings(dataBytes, server.can()))
    await limited
    memoryOf = wanted
  }

  async function makeDurable(admin: RedisAdmin, deadlineMs: number): Promise<void> {
    const { pid } = server.process() ?? { pid: 0 }
    const look = async () => infoFacts(await admin.info('persistence')).persistence
    const first = await look()
    if (first.aofEnabled && !accepted.current().startFromRdb) return
    if (!first.aofEnabled) await admin.configSet('appendonly', 'yes')
    await waitUntil(
      'the append-only file is whole',
      look,
      (seen) => seen.aofEnabled && !seen.aofRewriting && seen.aofRewriteOk,
      { timeoutMs: leftMs(deadlineMs), pollMs: POLL_MS, clock },
    )
    await server.writeConf(true)
    // A stop that came meanwhile left a mark of its own, and that one counts.
    if (server.process()?.pid !== pid) return
    await accepted.update({ startFromRdb: false })
    log.info('append-only file is whole after a start out of dump.rdb')
  }

  async function take(admin: RedisAdmin, deadlineMs: number, onChanged?: () => void): Promise<void> {
    const { assignment } = accepted.current()
    await applyMemory(admin)
    await applyPasswords(admin)
    // Before the first write can be acknowledged; replicas note it long before they are promoted.
    await server.noteServing()
    if (assignment.role === 'replica') await strategy.enableAsReplica(admin, sourceOf(assignment))
    else if (assignment.role === 'ejected') await strategy.detachReplica(admin)
    else {
      await makeDurable(admin, deadlineMs)
      await strategy.enableAsSource(admin)
    }
    onChanged?.()
    await untilRole(admin, assignment, leftMs(deadlineMs), clock)
  }

  return {
    take,
    makeDurable,
    applyPasswords,
    applyMemory,
    cutLink: async (admin) => {
      cutFor = server.process()?.pid ?? null
      passwordsOf = null
      await admin.configSet('masterauth', randomBytes(18).toString('base64url'))
      await admin.killSourceLink()
    },
    joinLink: () => {
      cutFor = null
    },
    hold: (admin) => admin.configSet('min-replicas-to-write', String(FENCE_REPLICAS)),
    untilServing: async (deadlineMs, patient = false) => {
      const admin = await waitUntil(
        'redis-server has loaded its data',
        async () => {
          if (accepted.current().stopped || server.state() === 'crashed') return null
          try {
            const now = await server.admin()
            return infoFacts(await now.info('persistence')).loading ? 'loading' : now
          } catch (error) {
            if (!patient && (isBusy(error) || isKind(error, 'guest_timeout'))) return { stuck: error }
            throw error
          }
        },
        (seen) => seen !== 'loading',
        { timeoutMs: leftMs(deadlineMs), pollMs: POLL_MS, clock, describe: () => 'it is loading' },
      )
      if (admin !== null && admin !== 'loading' && 'stuck' in admin) throw admin.stuck
      if (admin !== null && admin !== 'loading') return admin
      const stopped = 'redis-server was told to stop; restart the instance first.'
      throw new RedtroveError(
        'guest_failed',
        accepted.current().stopped ? stopped : (server.fault() ?? stopped),
      )
    },
  }
}

/** Puts an end to a pause and to what goes with it. */
export async function endPauseOn(admin: RedisAdmin): Promise<void> {
  await Promise.all([
    admin.unpauseWrites(),
    admin.configSet('repl-ping-replica-period', String(PING_PERIOD_SECONDS)),
  ])
}

/** Whom a replica's assignment says to follow. Fails with `bad_request` when it does not say. */
export function sourceOf(assignment: Assignment): Endpoint {
  if (assignment.source) return assignment.source
  throw new RedtroveError('bad_request', 'A replica must be told whom to follow.')
}

async function untilRole(
  admin: RedisAdmin,
  assignment: Assignment,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const { role: wanted, source } = assignment
  await waitUntil(
    `redis-server is ${wanted === 'replica' ? `a replica of ${source?.host}:${source?.port}` : `in the role ${wanted}`}`,
    async () => {
      const { info, fenceReplicas } = await admin.lookAtRole()
      const { role, following } = infoFacts(info)
      return { role, following, fenced: fenceReplicas !== null && fenceReplicas >= FENCE_REPLICAS }
    },
    ({ role, following, fenced }) => {
      if (fenced !== (wanted !== 'source')) return false
      if (wanted !== 'replica') return role === 'source'
      return role === 'replica' && isSameEndpoint(following, source)
    },
    { timeoutMs, pollMs: ROLE_POLL_MS, clock },
  )
}
