import type { Clock } from '../common/clock.js'
import type { Token } from '../common/contracts/assignment.js'
import type { guestAgent } from '../common/contracts/guestagent.js'
import { messageOf, RedtroveError } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import type { Handlers } from '../common/rpc/contract.js'
import { waitUntil } from '../common/wait-until.js'
import { type AcceptedState, withAssignment } from './accepted.js'
import type { Observer } from './observer.js'
import { pauseKeeper } from './pause.js'
import { FENCE_REPLICAS, PING_PERIOD_SECONDS } from './redis/conf.js'
import { infoFacts } from './redis/info.js'
import type { RoleKeeper } from './role-keeper.js'
import type { ManagedServer } from './server.js'
import type { ReplicationStrategy } from './strategies/replication/replication-strategy.js'

/** A ping counts in the offset; during a pause none is sent, so that equal offsets mean equal data. */
const PING_PERIOD_PAUSED_SECONDS = 3_600
const OFFSET_POLL_MS = 2
const SEVERED_MS_MAX = 2_000
const STOP_MS_MAX = 60_000

/** What commands act on. */
export interface ServiceContext {
  readonly server: ManagedServer
  readonly accepted: AcceptedState
  readonly roles: RoleKeeper
  readonly observer: Observer
  readonly strategy: ReplicationStrategy
  readonly clock: Clock
  readonly log: Logger
}

/** What the taskmanager may ask of this guest; see the contract for what each promises. */
export function guestService(context: ServiceContext): Handlers<typeof guestAgent> {
  const { server, accepted, roles, observer, strategy, clock, log } = context
  const pause = pauseKeeper(
    clock,
    () => void afterPause().catch((error) => log.warn({ reason: messageOf(error) }, 'pause not tidied')),
  )

  /** Puts back what a pause changed; writes are taken again by the server itself, or here where it knows no such pause. */
  async function afterPause(): Promise<void> {
    const admin = await server.admin()
    await admin.configSet('repl-ping-replica-period', String(PING_PERIOD_SECONDS))
    if (!server.can().pauseWrites && accepted.current().assignment.role === 'source')
      await strategy.enableAsSource(admin)
  }

  async function endPause(): Promise<void> {
    pause.end()
    await (await server.admin()).unpauseWrites()
    await afterPause()
  }

  const say = (token: Token, what: string, facts: object = {}) =>
    log.info(
      {
        operationId: token.operationId,
        epoch: token.epoch,
        attempt: token.attempt,
        step: token.step,
        ...facts,
      },
      what,
    )

  return {
    inspect: async () => ({ observation: await observer.look() }),

    assume: ({ token, assignment }) =>
      roles.alone(async () => {
        await accepted.accept(token, withAssignment(assignment))
        let frozen = false
        await roles.takeRole(() => {
          frozen = assignment.role === 'replica' && pause.holdsFor(token.operationId)
        })
        const known = accepted.outcomeOf(token)
        if (!known && assignment.role === 'replica') await accepted.keepOutcome(token, frozen)
        await endPause()
        say(token, 'role assumed', {
          role: assignment.role,
          source: assignment.source,
          writesFrozen: known?.writesFrozen ?? frozen,
        })
        return { observation: await observer.look(), writesFrozen: known?.writesFrozen ?? frozen }
      }),

    pauseWrites: ({ token, pauseMs }) =>
      roles.alone(async () => {
        await accepted.accept(token)
        const admin = await server.admin()
        const held = pause.current()
        const repeated = held?.operationId === token.operationId && held.step === token.step
        const sentAtMs = clock.monotonicMs()
        const info = repeated ? await admin.info('replication') : await startPause(pauseMs)
        if (!repeated) pause.begin(token, sentAtMs, pauseMs)
        const { role, replicationId, offset } = infoFacts(info)
        if (role !== 'source' || replicationId === null || offset === null) {
          await endPause()
          throw new RedtroveError(
            'guest_failed',
            `The server is not a source: its role is ${role ?? 'unknown'}.`,
          )
        }
        say(token, 'writes paused', { pauseMs, offset })
        return { replicationId, offset }
      }),

    resumeWrites: ({ token }) =>
      roles.alone(async () => {
        await accepted.accept(token)
        await endPause()
        say(token, 'writes resumed')
        return {}
      }),

    waitForOffset: async ({ token, replicationId, offset, waitMs }) => {
      await accepted.accept(token)
      const admin = await server.admin()
      const look = async () => infoFacts(await admin.info('replication'))
      const reached = (facts: Awaited<ReturnType<typeof look>>) =>
        facts.replicationId === replicationId && (facts.offset ?? -1) >= offset
      let facts = await look()
      const deadline = clock.monotonicMs() + waitMs
      while (!reached(facts) && clock.monotonicMs() < deadline) {
        await clock.sleep(OFFSET_POLL_MS)
        facts = await look()
      }
      return { reached: reached(facts), offset: facts.offset ?? 0, replicationId: facts.replicationId ?? '' }
    },

    severLink: ({ token }) =>
      roles.alone(async () => {
        await accepted.accept(token)
        await (await server.admin()).killSourceLink()
        const observation = await waitUntil(
          'the link to the source is down',
          () => observer.look(),
          ({ role, link }) => role === 'source' || link === 'down',
          {
            timeoutMs: SEVERED_MS_MAX,
            pollMs: 10,
            clock,
            describe: ({ role, link }) => `${role} with link ${link}`,
          },
        )
        say(token, 'link severed', { offset: observation.offset })
        return { observation }
      }),

    tuneSync: async ({ token, replicaCount }) => {
      await accepted.accept(token, ({ hadReplicas }) => ({ hadReplicas: hadReplicas || replicaCount > 0 }))
      await strategy.tuneSync(await server.admin(), server.can(), replicaCount)
      return {}
    },

    setCredentials: ({ token, credentials }) =>
      roles.alone(async () => {
        await accepted.accept(token, ({ assignment }) => ({ assignment: { ...assignment, credentials } }))
        // A server that is down takes them from its conf when it starts.
        if (server.state() === 'up') {
          await server.writeConf()
          await (await server.admin()).setPasswords(credentials)
        }
        say(token, 'credentials set')
        return {}
      }),

    restartServer: ({ token }) =>
      roles.alone(async () => {
        await accepted.accept(token, () => ({ stopped: false }))
        const saved = await server.stop({ timeoutMs: STOP_MS_MAX, force: true })
        await accepted.update({ startFromRdb: saved && server.can().resumesFromRdb })
        await server.start()
        if (server.state() !== 'up')
          throw new RedtroveError('guest_failed', server.fault() ?? 'redis-server does not start.')
        await roles.takeRole()
        say(token, 'server restarted', { fromRdb: saved })
        return { observation: await observer.look() }
      }),

    stopServer: ({ token }) =>
      roles.alone(async () => {
        await accepted.accept(token, () => ({ stopped: true }))
        await server.stop({ timeoutMs: STOP_MS_MAX / 3, force: true })
        say(token, 'server stopped')
        return {}
      }),
  }

  /** Answers with INFO replication after the last write. */
  async function startPause(pauseMs: number): Promise<string> {
    const admin = await server.admin()
    if (server.can().pauseWrites) return admin.pauseWrites(pauseMs, PING_PERIOD_PAUSED_SECONDS)
    // Before 6.2 a pause would hold back this agent too: the fence keeps writes out instead, and afterPause lifts it.
    await admin.configSetAll([
      ['repl-ping-replica-period', String(PING_PERIOD_PAUSED_SECONDS)],
      ['min-replicas-to-write', String(FENCE_REPLICAS)],
    ])
    return admin.info('replication')
  }
}
