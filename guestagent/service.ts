/*
 * What the taskmanager may ask, method by method. Each one accepts its token durably first, writes redis.conf, tells the server,
 * and looks. Calls that change anything run one at a time.
 */

import { messageOf, RedtroveError } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import { waitUntil } from '../common/wait-until.js'
import type { Token } from '../domain/fencing/token.js'
import type { Assignment } from '../domain/replication/assignment.js'
import type { guestAgent } from '../wire/agent/commands.js'
import type { Handlers, Result } from '../wire/contract.js'
import type { ServiceContext } from './context.js'
import { requireObeyable, withAssignment } from './memory/accepted.js'
import { infoFacts } from './redis/info.js'
import { endPauseOn } from './role/acts.js'
import { pauseSourceWrites, resumeSourceWrites } from './role/write-pause.js'
import { restartServer, stopServer } from './server/restart.js'

/** Within the contract's 15 s, so that the guest's own sentence arrives before the caller gives up. */
const ASSUME_MS = 13_000
const OFFSET_POLL_MS = 2

/** The handlers of one guest. */
export function guestService(context: ServiceContext): Handlers<typeof guestAgent> {
  const { server, accepted, observer, acts, link, strategy, control, log } = context
  /** One change at a time; both edges are places where a crash test may end the agent. */
  const change = <T>(name: string, act: () => Promise<T>) => control(() => stepOf(context, name, act))
  return {
    inspect: async () => ({ observation: await observer.look() }),
    assume: ({ token, assignment }) =>
      change(`assume ${assignment.role}`, () => assume(context, token, assignment)),
    pauseWrites: ({ token, pauseMs }) =>
      change('hold back writes', () => pauseSourceWrites(context, token, pauseMs)),
    resumeWrites: ({ token }) =>
      change('let writes go on', async () => {
        await accepted.accept(token)
        await resumeSourceWrites(context)
        return {}
      }),
    waitForOffset: (params) => change('wait for an offset', () => waitForOffset(context, params)),
    severLink: ({ token }) =>
      change('cut the link', async () => {
        await accepted.accept(token)
        const observation = await link.cut()
        log.info({ operationId: token.operationId, offset: observation.offset }, 'link to the source is cut')
        return { observation }
      }),
    tuneSync: ({ token, replicaCount }) =>
      change('tune synchronisation', async () => {
        await accepted.accept(token, () => (replicaCount > 0 ? { hadReplicas: true } : {}))
        await strategy.tuneSync(await server.admin(), server.can(), replicaCount)
        log.info({ operationId: token.operationId, replicaCount }, 'synchronisation settings changed')
        return {}
      }),
    setCredentials: ({ token, credentials }) =>
      change('set passwords', async () => {
        await accepted.accept(token, ({ assignment }) => ({ assignment: { ...assignment, credentials } }))
        // A server that never started has no conf yet; it gets one with these accounts when it does.
        if (server.state() !== 'up') return {}
        await server.writeConf()
        acts.joinLink()
        await laterIfNotNow(context, async () => acts.applyPasswords(await server.admin()))
        log.info({ operationId: token.operationId }, 'accounts changed')
        return {}
      }),
    restartServer: ({ token, assignment, acceptOlderData = false }) =>
      change('restart redis-server', () => restartServer(context, { token, assignment, acceptOlderData })),
    stopServer: ({ token }) => change('stop redis-server', () => stopServer(context, token)),
  }
}

async function stepOf<T>({ failpoint }: ServiceContext, name: string, act: () => Promise<T>): Promise<T> {
  failpoint('guestagent', name, 'before')
  const result = await act()
  failpoint('guestagent', name, 'after')
  return result
}

async function assume(
  context: ServiceContext,
  token: Token,
  assignment: Assignment,
): Promise<Result<typeof guestAgent, 'assume'>> {
  const { server, accepted, acts, roles, pause, observer, clock, log } = context
  const { operationId, step } = token
  requireObeyable(accepted.current(), assignment)
  const deadlineMs = clock.monotonicMs() + ASSUME_MS
  await accepted.accept(token, withAssignment(assignment))
  context.failpoint('guestagent', `remember ${assignment.role}`, 'after')
  if (accepted.current().stopped && assignment.role === 'ejected') {
    // A server that does not run takes no write, and each start writes its conf anew.
    return { observation: await observer.look(), writesFrozen: false }
  }
  await haveConf(context)
  acts.joinLink()
  let heldUntilNow = false
  await laterIfNotNow(context, async () =>
    acts.take(await acts.untilServing(deadlineMs), deadlineMs, () => {
      heldUntilNow = pause.holdsFor(operationId)
      context.failpoint('guestagent', `change to ${assignment.role}`, 'after')
    }),
  )
  pause.end()
  roles.confirm()
  const writesFrozen = accepted.outcomeOf(token)?.writesFrozen ?? heldUntilNow
  // Nobody waits for this: without memory a repeated call is answered with no, and then the offsets are compared again.
  if (writesFrozen) inBackground(accepted.keepOutcome(token), 'the outcome was not kept', log)
  const [observation] = await Promise.all([observer.look(), endPauseOn(await server.admin())])
  log.info(
    { operationId, step, epoch: token.epoch, role: assignment.role, source: assignment.source, writesFrozen },
    'role assumed',
  )
  return { observation, writesFrozen }
}

/** What is remembered and did not reach the server reaches it, by the control plane's word of then, as soon as that answers again. */
async function laterIfNotNow({ roles }: ServiceContext, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    roles.kick()
    throw error
  }
}

/**
 * A running server's conf is written behind the change, while clients wait for the change: each start renders it anew out of what
 * was remembered, and whatever it says, it has the fence. A server that is down is started with its new conf: a command is reason
 * enough to forget its crashes, or to try whatever kept it from starting once more.
 */
async function haveConf({ server, log }: ServiceContext): Promise<void> {
  if (server.state() === 'up') return inBackground(server.writeConf(), 'redis.conf was not written', log)
  await server.start()
  const fault = server.fault()
  if (server.state() !== 'up' && fault !== null) throw new RedtroveError('guest_failed', fault)
}

function inBackground(work: Promise<void>, complaint: string, log: Logger): void {
  work.catch((error: unknown) => log.warn({ reason: messageOf(error) }, complaint))
}

async function waitForOffset(
  { server, accepted, clock }: ServiceContext,
  wanted: { token: Token; replicationId: string; offset: number; waitMs: number },
): Promise<Result<typeof guestAgent, 'waitForOffset'>> {
  await accepted.accept(wanted.token)
  const admin = await server.admin()
  const look = async () => {
    const { offset, replicationId } = infoFacts(await admin.info('replication'))
    return { offset: Math.max(0, offset ?? 0), replicationId: replicationId ?? '' }
  }
  const isReached = (seen: Awaited<ReturnType<typeof look>>) =>
    seen.replicationId === wanted.replicationId && seen.offset >= wanted.offset
  let last = await look()
  try {
    last = await waitUntil('the offset is reached', look, isReached, {
      timeoutMs: wanted.waitMs,
      pollMs: OFFSET_POLL_MS,
      clock,
    })
  } catch (error) {
    if (!(error instanceof RedtroveError) || error.kind !== 'guest_timeout') throw error
    last = await look()
  }
  return { reached: isReached(last), ...last }
}
