/*
 * Brings a server that was started, or found running, to the role this guest was given, and learns what was missed. The conf on
 * disk keeps writes out of reach after every start; they come into reach only when the data is loaded, the append-only file is
 * whole, and it is certain that no higher epoch has another source:
 *   - a command of the present epoch says so (it carries a token), or
 *   - the control plane answers that this is still the source, or
 *   - the set never had another member, so nobody else can lead.
 * The server of a guest without a memory does not run until it was told what it is, and it leads by the command of its birth alone: if it led
 * before, it has lost its data, and must not give its emptiness to those who follow it.
 */
import type { Clock } from '../../common/clock.js'
import { isKind, messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { Serial } from '../../common/serial.js'
import type { Client } from '../../wire/contract.js'
import type { taskmanagerQuestions } from '../../wire/control/questions.js'
import { type AcceptedState, refusalToLead, withAssignment } from '../memory/accepted.js'
import type { RedisAdmin } from '../redis/admin.js'
import { FENCE_REPLICAS } from '../redis/conf.js'
import { infoFacts } from '../redis/info.js'
import type { ManagedServer } from '../server/server.js'
import type { RoleActs } from './acts.js'

const LOOK_MS = 50
const ASK_AGAIN_MS_MIN = 200
const ASK_AGAIN_MS_MAX = 3_000
const ROLE_MS_MAX = 10_000
/** How long a source may wait for its confirmation before it says so. */
const COMPLAIN_MS = 3_000

/** Whoever keeps a server in its role. */
export interface RoleKeeper {
  /** Something happened to the process or the broker: look, and ask, at once. */
  kick(): void
  /** The control plane itself has just given this server process its role. */
  confirm(): void
  /** Writes may be taken without asking: see the head of this file. */
  readonly mayLead: () => boolean
  /** What keeps the server from its role, as a sentence for the user. */
  fault(): string | null
  /** The control plane says that it leads, and it has nothing. */
  readonly isEmptied: () => boolean
  close(): void
}

/** The server, what it should be, and whom to ask. */
export interface RoleKeeperOptions {
  readonly server: ManagedServer
  readonly accepted: AcceptedState
  readonly acts: RoleActs
  /** Shared with the commands: what changes the server does not overlap. */
  readonly control: Serial
  readonly ask: Client<typeof taskmanagerQuestions>
  readonly clock: Clock
  readonly log: Logger
}

/** A keeper that acts when it is kicked, and goes on until the server has its role and the control plane was heard. */
export function roleKeeper(options: RoleKeeperOptions): RoleKeeper {
  const { server, accepted, acts, control, ask, clock, log } = options
  const closing = new AbortController()
  let settledFor: string | null = null
  let confirmedFor: string | null = null
  let questionOpen = true
  let waitingSinceMs: number | null = null
  let trouble: string | null = null
  let askAgainMs = ASK_AGAIN_MS_MIN
  let askedMs = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let emptied: string | null = null
  let running = false
  let again = false

  const identity = () => {
    const process = server.process()
    return process ? `${process.pid} ${process.startTime}` : null
  }
  const mayLead = () =>
    (confirmedFor !== null && confirmedFor === identity()) ||
    !(accepted.current().hadReplicas || accepted.current().newborn)

  function schedule(ms: number): void {
    clearTimeout(timer)
    if (closing.signal.aborted) return
    timer = setTimeout(() => void turn(), ms)
    timer.unref()
  }

  async function turn(): Promise<void> {
    if (running) {
      again = true
      return
    }
    running = true
    await settle().catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'role not settled yet'))
    if (questionOpen && clock.monotonicMs() - askedMs >= askAgainMs) {
      await learn().catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'nothing learnt'))
    }
    running = false
    const unsettled = identity() !== null && identity() !== settledFor
    if (again || unsettled) schedule(again ? 0 : LOOK_MS)
    else if (questionOpen) schedule(askAgainMs)
    again = false
  }

  /** After a start: what needs nobody's word is done at once. Nothing waits for loading here, so that commands get their turn. */
  async function settle(): Promise<void> {
    if (server.state() !== 'up' || identity() === settledFor) return
    const { info, fenceReplicas } = await (await server.admin()).look()
    const seen = infoFacts(info)
    if (seen.loading) return
    await control(async () => {
      const who = identity()
      if (who === null || who === settledFor) return
      // Found running and taking writes: an agent's restart changes nothing.
      const { role } = accepted.current().assignment
      if (role === 'source' && seen.role === 'source' && isLifted(fenceReplicas)) confirmedFor = who
      try {
        await settleNow(await server.admin())
      } catch (error) {
        trouble = messageOf(error)
        throw error
      }
      settledFor = who
      trouble = null
      log.info({ role, mayLead: mayLead() }, 'server settled in its role')
    })
  }

  async function settleNow(admin: RedisAdmin): Promise<void> {
    const { role } = accepted.current().assignment
    const deadlineMs = clock.monotonicMs() + ROLE_MS_MAX
    if (role === 'source' && !mayLead()) return waitForWord(admin)
    await acts.take(admin, deadlineMs)
    if (role === 'replica') await acts.makeDurable(admin, deadlineMs)
  }

  async function waitForWord(admin: RedisAdmin): Promise<void> {
    await acts.hold(admin)
    await acts.applyMemory(admin)
    await acts.applyPasswords(admin)
    await acts.makeDurable(admin, clock.monotonicMs() + ROLE_MS_MAX)
    waitingSinceMs ??= clock.monotonicMs()
    questionOpen = true
  }

  /** What was missed while this agent, its server or the broker was away. */
  async function learn(): Promise<void> {
    askedMs = clock.monotonicMs()
    askAgainMs = Math.min(askAgainMs * 2, ASK_AGAIN_MS_MAX)
    const { assignment } = await ask.assignmentOf({}, { signal: closing.signal })
    if (!assignment) return
    emptied = refusalToLead(accepted.current(), assignment)
    if (emptied !== null) return
    await control(async () => {
      const { epoch, attempt, newborn } = accepted.current()
      try {
        // A word of the present epoch must not pass for a later attempt of its operation.
        await accepted.accept(
          { epoch: assignment.epoch, attempt: assignment.epoch === epoch ? attempt : 0 },
          withAssignment(assignment),
        )
      } catch (error) {
        if (!isKind(error, 'stale_epoch')) throw error
        log.warn({ answered: assignment.epoch, accepted: epoch }, 'answer of an older epoch is left aside')
        return
      }
      if (newborn) await server.start()
      else if (server.state() === 'up') {
        await server.writeConf()
        const deadlineMs = clock.monotonicMs() + ROLE_MS_MAX
        await acts.take(await acts.untilServing(deadlineMs), deadlineMs)
        confirm()
      }
      questionOpen = false
      log.info({ epoch: assignment.epoch, role: assignment.role }, 'role confirmed by the control plane')
    })
  }

  function confirm(): void {
    confirmedFor = identity()
    // A start out of dump.rdb is settled only when the append-only file is on again, which no word of the control plane does.
    if (!accepted.current().startFromRdb) settledFor = confirmedFor
    waitingSinceMs = null
    emptied = null
    trouble = null
  }

  return {
    mayLead,
    confirm,
    kick: () => {
      questionOpen = true
      askAgainMs = ASK_AGAIN_MS_MIN
      askedMs = Number.NEGATIVE_INFINITY
      schedule(0)
    },
    fault: () => {
      if (trouble !== null && server.state() === 'up')
        return `redis-server cannot be brought to its role: ${trouble}`
      if (emptied !== null) return emptied
      if (waitingSinceMs === null || clock.monotonicMs() - waitingSinceMs < COMPLAIN_MS) return null
      return 'redis-server was started again and refuses writes until the control plane confirms that it still leads its set.'
    },
    isEmptied: () => emptied !== null,
    close: () => {
      closing.abort()
      clearTimeout(timer)
    },
  }
}

function isLifted(fenceReplicas: number | null): boolean {
  return fenceReplicas !== null && fenceReplicas < FENCE_REPLICAS
}
