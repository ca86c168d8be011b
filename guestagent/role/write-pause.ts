import { RedtroveError } from '../../common/errors.js'
import type { Token } from '../../domain/fencing/token.js'
import type { ServiceContext } from '../context.js'
import { FENCE_REPLICAS } from '../redis/conf.js'
import { infoFacts } from '../redis/info.js'
import { endPauseOn } from './acts.js'

/**
 * Longer than any pause: a ping of the source to its replicas counts in its offset, and one that is on its way when the link is
 * cut would leave the old source ahead of the new one by 14 bytes, which costs it a full synchronisation.
 */
const PING_PERIOD_PAUSED_SECONDS = 3600

/**
 * Holds back clients' writes and says where the history stands. The same step of the same operation, asked again while its pause
 * holds, gets the offset and no longer pause. Servers without a WRITE pause refuse writes instead, by the fence: a pause of
 * everything would hold up the agent as well.
 */
export async function pauseSourceWrites(
  { server, accepted, pause, clock, log }: ServiceContext,
  token: Token,
  pauseMs: number,
): Promise<{ replicationId: string; offset: number }> {
  const { operationId, step } = token
  const current = pause.current()
  const repeated = current?.operationId === operationId && current.step === step
  await accepted.accept(token, ({ outcomes }) =>
    // A new pause: what an earlier one of this operation led to says nothing about it.
    repeated ? {} : { outcomes: outcomes.filter(({ key }) => !key.startsWith(`${operationId}/`)) },
  )
  const admin = await server.admin()
  if ((await admin.role()).role !== 'source') {
    throw new RedtroveError(
      'guest_failed',
      'This server is a replica; there are no writes of clients to hold back.',
    )
  }
  if (repeated) return position(await admin.info('replication'))
  pause.begin(token, clock.monotonicMs(), pauseMs)
  if (server.can().pauseWrites) {
    const info = await admin.pauseWrites(pauseMs, PING_PERIOD_PAUSED_SECONDS)
    log.info({ operationId, step, pauseMs }, 'writes paused')
    return position(info)
  }
  await admin.configSetAll([
    ['repl-ping-replica-period', String(PING_PERIOD_PAUSED_SECONDS)],
    ['min-replicas-to-write', String(FENCE_REPLICAS)],
  ])
  log.info({ operationId, step, pauseMs }, 'writes refused for the time of a pause')
  return position(await admin.info('replication'))
}

type PauseParts = Pick<ServiceContext, 'server' | 'accepted' | 'roles' | 'pause'>

/** Ends a pause: nothing to do is a success, and so is a server that does not run. */
export async function resumeSourceWrites(parts: PauseParts): Promise<void> {
  parts.pause.end()
  await afterPause(parts)
}

/** Puts back what a pause changed, unless another one has begun. */
export async function afterPause({ server, accepted, roles, pause }: PauseParts): Promise<void> {
  if (pause.current() || server.state() !== 'up') return
  const admin = await server.admin()
  await endPauseOn(admin)
  if (server.can().pauseWrites) return
  // The pause was the fence; it goes only where a start of the server would lift it too.
  if (accepted.current().assignment.role === 'source' && roles.mayLead()) {
    await admin.configSet('min-replicas-to-write', '0')
  }
}

function position(info: string): { replicationId: string; offset: number } {
  const { replicationId, offset } = infoFacts(info)
  if (offset === null) {
    throw new RedtroveError('guest_failed', 'INFO replication has no offset; is this a Redis server?')
  }
  return { replicationId: replicationId ?? '', offset: Math.max(0, offset) }
}
