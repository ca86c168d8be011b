import { RedtroveError } from '../../common/errors.js'
import { waitUntil } from '../../common/wait-until.js'
import type { Token } from '../../domain/fencing/token.js'
import type { Observation } from '../../domain/instance/observation.js'
import type { Assignment } from '../../domain/replication/assignment.js'
import type { ServiceContext } from '../context.js'
import { requireObeyable, withAssignment } from '../memory/accepted.js'

const RESTART_MS = 115_000
const STOP_MS = 50_000
const STOP_FOR_GOOD_MS = 22_000
const LINK_MS = 5_000

interface RestartOrder {
  readonly token: Token
  readonly assignment?: Assignment | undefined
  readonly acceptOlderData: boolean
}

/**
 * Stops redis-server with its data in dump.rdb and starts it out of that file: it carries the replication id and offset, so that
 * replicas, or this replica itself, go on without a full copy, which a start out of the append-only file never allows. The
 * append-only file is written anew before a source's fence is lifted. Needs no answer of the server that is stopped: what it is to be
 * is on disk before that, so no start brings back an old role. `acceptOlderData`: data that cannot be loaded may be replaced by an older state.
 */
export async function restartServer(
  context: ServiceContext,
  { token, assignment, acceptOlderData }: RestartOrder,
): Promise<{ observation: Observation }> {
  context.server.consent(acceptOlderData)
  try {
    return await restartNow(context, token, assignment)
  } finally {
    context.server.consent(false)
  }
}

async function restartNow(
  context: ServiceContext,
  token: Token,
  assignment: Assignment | undefined,
): Promise<{ observation: Observation }> {
  const { server, accepted, acts, roles, observer, pause, clock, log } = context
  const deadlineMs = clock.monotonicMs() + RESTART_MS
  if (assignment) requireObeyable(accepted.current(), assignment)
  const become = assignment ? withAssignment(assignment) : () => ({})
  await accepted.accept(token, (state) => ({ ...become(state), stopped: false }))
  log.info({ operationId: token.operationId }, 'redis-server restarts')
  await stopKeepingPosition(context, { timeoutMs: STOP_MS, force: false })
  pause.end()
  await server.start()
  if (server.state() !== 'up') {
    throw new RedtroveError('guest_failed', server.fault() ?? 'redis-server does not start.')
  }
  const admin = await acts.untilServing(deadlineMs, true)
  await acts.take(admin, deadlineMs)
  await acts.makeDurable(admin, deadlineMs)
  roles.confirm()
  if (accepted.current().assignment.role !== 'replica') return { observation: await observer.look() }
  return { observation: await waitLinked(context).catch(() => observer.look()) }
}

/** Stops redis-server until it is told otherwise. */
export async function stopServer(context: ServiceContext, token: Token): Promise<Record<string, never>> {
  await context.accepted.accept(token, () => ({ stopped: true }))
  context.log.info({ operationId: token.operationId }, 'redis-server stops')
  await stopKeepingPosition(context, { timeoutMs: STOP_FOR_GOOD_MS, force: true })
  context.pause.end()
  return {}
}

/**
 * A clean stop, remembered as one only when the server's own last words say that everything is in dump.rdb. A mark of an
 * earlier clean stop stays: it goes only when the append-only file is whole, so until then dump.rdb is what counts.
 */
export async function stopKeepingPosition(
  { server, accepted }: Pick<ServiceContext, 'server' | 'accepted'>,
  how: { readonly timeoutMs: number; readonly force: boolean },
): Promise<void> {
  if (await server.stop(how)) await accepted.update({ startFromRdb: server.can().resumesFromRdb })
}

/** A replica serves its role when it follows; a source that is away is no fault of this restart. */
function waitLinked({ observer, clock }: ServiceContext): Promise<Observation> {
  return waitUntil('the link is up', observer.look, ({ link }) => link === 'up', {
    timeoutMs: LINK_MS,
    pollMs: 20,
    clock,
  })
}
