/*
 * Brings a server that was started to the role this guest was given, and learns what was missed. The conf on disk keeps writes
 * out of reach after every start; they come into reach here, and only when the data is loaded, the append-only file is whole,
 * and it is certain that no higher epoch has another source:
 *   - a command of the present epoch says so (it carries a token), or
 *   - the control plane answers that this is still the source, or
 *   - the set never had another member, so nobody else can lead.
 */
import type { Clock } from '../common/clock.js'
import type { Assignment } from '../common/contracts/assignment.js'
import type { taskmanagerQuestions } from '../common/contracts/taskmanager.js'
import { isKind, messageOf } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import type { Client } from '../common/rpc/contract.js'
import { waitUntil } from '../common/wait-until.js'
import { type AcceptedState, withAssignment } from './accepted.js'
import type { RedisAdmin } from './redis/admin.js'
import { infoFacts } from './redis/info.js'
import { openSerial } from './serial.js'
import type { ManagedServer } from './server.js'
import type { ReplicationStrategy } from './strategies/replication/replication-strategy.js'

const LOOK_MS = 100
const ASK_AGAIN_MS = 500
const LOADED_MS_MAX = 100_000
const ROLE_MS_MAX = 5_000
const REWRITE_MS_MAX = 100_000
/** How long a source may wait for its confirmation before it says so. */
const COMPLAIN_MS = 3_000

/** Keeps the running server in the role that was accepted. */
export interface RoleKeeper {
  /** Gives the running server the accepted role; may be repeated. Fails with `guest_failed` or `guest_timeout`. */
  takeRole(onChanged?: () => void): Promise<void>
  /** Something happened to the process or the broker: look again soon. */
  kick(): void
  /** An adopted server has its role already. */
  adopted(): void
  /** What keeps the server from its role, as a sentence for the user. */
  fault(): string | null
  /** Runs an act that concerns the role alone; acts do not overlap. */
  alone<T>(act: () => Promise<T>): Promise<T>
  close(): void
}

/** What it acts on, and whom it asks. */
export interface RoleKeeperOptions {
  readonly server: ManagedServer
  readonly accepted: AcceptedState
  readonly strategy: ReplicationStrategy
  readonly ask: Client<typeof taskmanagerQuestions>
  readonly clock: Clock
  readonly log: Logger
}

/** A keeper that does nothing until it is kicked or told that the server was adopted. */
export function roleKeeper({ server, accepted, strategy, ask, clock, log }: RoleKeeperOptions): RoleKeeper {
  const alone = openSerial()
  const closing = new AbortController()
  let settledPid: number | null = null
  let questionOpen = true
  let waitingSinceMs: number | null = null
  let timer: NodeJS.Timeout | undefined
  let running = false

  function kick(): void {
    if (server.process()?.pid !== settledPid) settledPid = null
    questionOpen = true
    schedule(0)
  }

  function schedule(ms: number): void {
    clearTimeout(timer)
    if (closing.signal.aborted) return
    timer = setTimeout(() => void turn(), ms)
    timer.unref()
  }

  async function turn(): Promise<void> {
    if (running) return schedule(LOOK_MS)
    running = true
    try {
      await settle()
      if (questionOpen) await learn()
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'role not settled yet')
    } finally {
      running = false
    }
    const pid = server.process()?.pid ?? null
    if (pid !== null && pid !== settledPid) schedule(LOOK_MS)
    else if (questionOpen) schedule(ASK_AGAIN_MS)
  }

  /** After a start: what needs nobody's word is done at once. */
  async function settle(): Promise<void> {
    const pid = server.process()?.pid ?? null
    if (pid === null || pid === settledPid) return
    await alone(async () => {
      if (server.process()?.pid !== pid || pid === settledPid) return
      await makeDurable(await loaded(LOADED_MS_MAX))
      const { assignment, hadReplicas } = accepted.current()
      if (assignment.role === 'source' && hadReplicas) {
        waitingSinceMs ??= clock.monotonicMs()
        questionOpen = true
        return
      }
      await act(assignment)
      settled(pid)
    })
  }

  function settled(pid: number | null): void {
    settledPid = pid
    waitingSinceMs = null
  }

  /** What was missed while this agent, its server or the broker was away. */
  async function learn(): Promise<void> {
    const { assignment } = await ask.assignmentOf({}, { signal: closing.signal })
    if (!assignment) return
    await alone(async () => {
      const { epoch, attempt } = accepted.current()
      if (assignment.epoch < epoch) return
      try {
        // A word of the present epoch must not pass for a later attempt of its operation.
        await accepted.accept(
          { epoch: assignment.epoch, attempt: assignment.epoch === epoch ? attempt : 0 },
          withAssignment(assignment),
        )
      } catch (error) {
        if (isKind(error, 'stale_epoch')) return
        throw error
      }
      if (server.process() && server.state() === 'up') {
        await takeRoleNow()
        await (await server.admin()).setPasswords(assignment.credentials)
      }
      questionOpen = false
      log.info({ epoch: assignment.epoch, role: assignment.role }, 'role confirmed by the control plane')
    })
  }

  async function takeRoleNow(onChanged?: () => void): Promise<void> {
    const pid = server.process()?.pid ?? null
    await server.writeConf()
    const admin = await loaded(ROLE_MS_MAX)
    const { assignment } = accepted.current()
    if (assignment.role === 'source') await makeDurable(admin)
    await act(assignment, onChanged)
    settled(pid)
  }

  async function act(assignment: Assignment, onChanged?: () => void): Promise<void> {
    const admin = await server.admin()
    if (assignment.role === 'replica' && assignment.source)
      await strategy.enableAsReplica(admin, assignment.source)
    else if (assignment.role === 'source') await strategy.enableAsSource(admin)
    else await strategy.detachReplica(admin)
    onChanged?.()
    await lookUntilRole(admin, assignment)
  }

  /** An answering server with its data in memory. */
  async function loaded(timeoutMs: number): Promise<RedisAdmin> {
    return waitUntil(
      'redis-server has loaded its data',
      async () => {
        const admin = await server.admin()
        const facts = infoFacts(await admin.info('persistence'))
        return facts.loading ? null : admin
      },
      (admin) => admin !== null,
      { timeoutMs, pollMs: LOOK_MS / 4, signal: closing.signal, describe: () => 'it is loading' },
    ).then((admin) => admin ?? server.admin())
  }

  /** After a start out of dump.rdb the append-only file is made whole again before any write is taken. */
  async function makeDurable(admin: RedisAdmin): Promise<void> {
    const { persistence } = infoFacts(await admin.info('persistence'))
    if (persistence.aofEnabled && !accepted.current().startFromRdb) return
    if (!persistence.aofEnabled) await admin.configSet('appendonly', 'yes')
    await waitUntil(
      'the append-only file is whole',
      async () => infoFacts(await admin.info('persistence')).persistence,
      (seen) => seen.aofEnabled && !seen.aofRewriting && seen.aofRewriteOk,
      { timeoutMs: REWRITE_MS_MAX, pollMs: LOOK_MS / 4, signal: closing.signal },
    )
    await accepted.update({ startFromRdb: false })
    await server.writeConf()
  }

  return {
    takeRole: (onChanged) => takeRoleNow(onChanged),
    kick,
    adopted: () => settled(server.process()?.pid ?? null),
    alone,
    fault: () => {
      if (waitingSinceMs === null || clock.monotonicMs() - waitingSinceMs < COMPLAIN_MS) return null
      return 'redis-server was started again and refuses writes until the control plane confirms that it still leads its set.'
    },
    close: () => {
      closing.abort()
      clearTimeout(timer)
    },
  }
}

/** Believes ROLE, not the OK. */
async function lookUntilRole(admin: RedisAdmin, assignment: Assignment): Promise<void> {
  await waitUntil(
    `ROLE says ${assignment.role}`,
    async () => infoFacts(await admin.info('replication')),
    ({ role, following }) => {
      if (assignment.role !== 'replica') return role === 'source'
      return (
        role === 'replica' &&
        following?.host === assignment.source?.host &&
        following?.port === assignment.source?.port
      )
    },
    {
      timeoutMs: ROLE_MS_MAX,
      pollMs: 5,
      describe: ({ role, following }) => `${role} ${following?.host ?? ''}`,
    },
  )
}
