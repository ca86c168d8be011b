import { randomUUID } from 'node:crypto'
import type { Clock } from '../../common/clock.js'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { repeat } from '../../common/repeat.js'
import type { OperationDoor } from '../../store/operations/door.js'
import type { InstanceFacts, Store } from '../../store/store.js'
import { type Wanted, watchDrift } from './drift-watch.js'

const LOOK_MS = 1_000
/** A report may be stored this long after the time that it is stored with, and the database's clock may be set right meanwhile. */
const OVERLAP_MS = 1_500

/** What is compared, and how a repair is announced. */
export interface ReconcilerParts {
  readonly store: Pick<Store, 'instances'>
  readonly openOperation: OperationDoor
  readonly reportAgeMsMax: number
  readonly clock: Clock
  readonly log: Logger
}

/** Compares rows with reports each second and opens a repair for each set that drifts. Returns the way to stop it. */
export function startReconciler({
  store,
  openOperation,
  reportAgeMsMax,
  clock,
  log,
}: ReconcilerParts): () => Promise<void> {
  const watch = watchDrift(reportAgeMsMax)
  // Older reports say nothing.
  let sinceMs = clock.monotonicMs() - reportAgeMsMax
  const look = async () => {
    const nowMs = clock.monotonicMs()
    // Drift shows in a report, so who has not reported since the last look need not be looked at: a fleet of ten thousand would
    // cost a core else. What is looked at twice does no harm.
    const reported = await store.instances.reportedWithin(Math.ceil(nowMs - sinceMs) + OVERLAP_MS)
    sinceMs = nowMs
    for (const wanted of watch.wanted(reported, nowMs)) {
      const id = await openRepair(wanted, openOperation)
      if (id === null) continue
      log.warn({ operationId: id, setId: wanted.setId, drift: wanted.drift }, 'drift found')
    }
  }
  return repeat(look, {
    pauseMs: LOOK_MS,
    clock,
    onFailure: (error) => log.debug({ reason: messageOf(error) }, 'no look at drift'),
  })
}

/** Null when something else was quicker. */
async function openRepair(
  { setId, members, drift }: Wanted,
  openOperation: OperationDoor,
): Promise<string | null> {
  const [first, ...others] = members
  if (!first) return null
  try {
    const operation = await openOperation({
      kind: 'repair_replication',
      projectId: first.instance.projectId,
      instanceId: first.instance.id,
      setId,
      alsoHeld: others.map(({ instance }) => instance.id),
      request: { drift },
      requestId: `req-${randomUUID()}`,
      askedBy: 'the drift watch',
      check: (facts) => requireSame(members, facts),
    })
    return operation.id
  } catch (error) {
    if (isKind(error, 'unprocessable', 'not_found')) return null
    throw error
  }
}

/** What was compared must be what is there now. */
function requireSame(before: readonly InstanceFacts[], now: readonly InstanceFacts[]): void {
  for (const { instance } of before) {
    const found = now.find((one) => one.instance.id === instance.id)?.instance
    if (!found || found.role !== instance.role || found.setId !== instance.setId || found.fault)
      throw new RedtroveError('unprocessable', `Instance ${instance.id} changed in between.`)
  }
}
