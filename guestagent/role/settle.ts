import { messageOf } from '../../common/errors.js'
import type { RedisAdmin } from '../redis/admin.js'
import { FENCE_REPLICAS } from '../redis/conf.js'
import { infoFacts } from '../redis/info.js'
import { ROLE_MS_MAX, type RoleKeeperParts } from './keeper-parts.js'

/**
 * After a start: what needs nobody's word is done at once. Nothing waits for loading here, so that commands get their turn. Fails as the
 * acts do, and may be repeated.
 */
export async function settle(parts: RoleKeeperParts): Promise<void> {
  const { server, accepted, control, book, log } = parts
  const isDone = () => book.process() === null || book.process() === book.now().settled
  if (server.state() !== 'up' || isDone()) return
  const { info, fenceReplicas } = await (await server.admin()).look()
  const seen = infoFacts(info)
  if (seen.loading) return
  await control(async () => {
    const who = book.process()
    if (who === null || isDone()) return
    const { role } = accepted.current().assignment
    if (role === 'source' && seen.role === 'source' && isLifted(fenceReplicas))
      book.note({ type: 'found taking writes', who })
    try {
      await settleNow(await server.admin(), parts)
    } catch (error) {
      book.note({ type: 'not settled', why: messageOf(error) })
      throw error
    }
    book.note({ type: 'settled', who })
    log.info({ role, mayLead: book.mayLead() }, 'server settled in its role')
  })
}

async function settleNow(admin: RedisAdmin, { acts, book, clock }: RoleKeeperParts): Promise<void> {
  const deadlineMs = clock.monotonicMs() + ROLE_MS_MAX
  const verdict = book.verdict()
  if (verdict === 'wait') {
    await acts.hold(admin)
    await acts.applyMemory(admin)
    await acts.applyPasswords(admin)
    await acts.makeDurable(admin, deadlineMs)
    book.note({ type: 'waits', nowMs: clock.monotonicMs() })
    return
  }
  await acts.take(admin, deadlineMs)
  if (verdict === 'follow') await acts.makeDurable(admin, deadlineMs)
}

function isLifted(fenceReplicas: number | null): boolean {
  return fenceReplicas !== null && fenceReplicas < FENCE_REPLICAS
}
