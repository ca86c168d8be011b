import { randomUUID } from 'node:crypto'
import type { Clock } from '../../common/clock.js'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { repeat } from '../../common/repeat.js'
import { OPERATION_DEADLINE_MS } from '../../domain/operation/deadlines.js'
import type { InstanceFacts, Store } from '../../store/store.js'
import { type Wanted, watchDrift } from './drift-watch.js'

const LOOK_MS = 1_000
/** A report may be stored this long after the time that it is stored with, and the database's clock may be set right meanwhile. */
const OVERLAP_MS = 1_500

/** What is compared, and how a repair is announced. */
export interface ReconcilerParts {
  readonly store: Pick<Store, 'instances' | 'operations'>
  readonly ring: (operationId: string) => void
  readonly reportAgeMsMax: number
  readonly clock: Clock
  readonly log: Logger
}

/** Compares rows with reports each second and opens a repair for each set that drifts. Returns the way to stop it. */
export function startReconciler({
  store,
  ring,
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
      const id = await openRepair(wanted, store)
      if (id === null) continue
      log.warn({ operationId: id, setId: wanted.setId, drift: wanted.drift }, 'drift found')
      ring(id)
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
  store: ReconcilerParts['store'],
): Promise<string | null> {
  const [first] = members
  if (!first) return null
  try {
    const operation = await store.operations.open({
      kind: 'repair_replication',
      projectId: first.instance.projectId,
      instanceId: first.instance.id,
      setId,
      memberIds: members.map(({ instance }) => instance.id),
      request: { drift },
      requestId: `req-${randomUUID()}`,
      deadlineMs: OPERATION_DEADLINE_MS.repair_replication,
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
