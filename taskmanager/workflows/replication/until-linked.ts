import { RedtroveError } from '../../../common/errors.js'
import type { InstanceId } from '../../../domain/instance/instance.js'
import type { Observation } from '../../../domain/instance/observation.js'
import type { WorkflowContext } from '../../engine/workflow.js'
import { lookAt } from '../../guests/guests.js'

const POLL_MS = 100

/** How long to wait for a link, and whom to tell meanwhile. */
export interface LinkWait {
  readonly progress: (detail: string) => void
  /** Gives up when nothing was copied for this long. */
  readonly idleMs?: number
  /** Looked at between two looks at the replica; a sentence ends the wait. */
  readonly obstacle?: () => Promise<string | null>
}

/**
 * Waits until a replica's link is up; answers with what was seen then. Fails with `guest_timeout` saying what was last seen:
 * after the longest time that a synchronisation may take, or after `idleMs` without one.
 */
export async function untilLinked(
  id: InstanceId,
  context: WorkflowContext,
  wait: LinkWait,
): Promise<Observation> {
  const { clock, signal, timings } = context
  const begunMs = clock.monotonicMs()
  let movedMs = begunMs
  for (let said = ''; ; ) {
    const seen = await lookAt(id, context)
    if (seen?.service === 'running' && seen.role === 'replica' && seen.link === 'up') return seen
    const words = describe(seen)
    if (words !== said) wait.progress(words)
    said = words
    const nowMs = clock.monotonicMs()
    if (isCopying(seen)) movedMs = nowMs
    const obstacle = await wait.obstacle?.()
    if (obstacle) throw new RedtroveError('guest_timeout', `Instance ${id} cannot link up: ${obstacle}.`)
    if (
      nowMs - begunMs >= timings.replicaSyncMsMax ||
      (wait.idleMs !== undefined && nowMs - movedMs >= wait.idleMs)
    ) {
      const seconds = Math.round((nowMs - begunMs) / 1000)
      throw new RedtroveError(
        'guest_timeout',
        `Instance ${id} did not link up within ${seconds} s; last seen: ${words}.`,
      )
    }
    await clock.sleep(POLL_MS, signal)
  }
}

function isCopying(seen: Observation | null): boolean {
  return seen?.link === 'syncing' || seen?.service === 'loading'
}

function describe(seen: Observation | null): string {
  if (!seen) return 'its agent does not answer'
  if (seen.fault) return seen.fault
  if (seen.service !== 'running') return `redis-server is ${seen.service}`
  return seen.link === 'syncing' ? 'copying the data set' : `link ${seen.link ?? 'not there'}`
}
