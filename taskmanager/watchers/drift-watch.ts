import type { InstanceId, ReplicationSetId } from '../../domain/instance/instance.js'
import type { StoredObservation } from '../../domain/instance/observation.js'
import { isSilent } from '../../domain/instance/silence.js'
import { driftOf } from '../../domain/replication/drift.js'
import type { InstanceFacts } from '../../store/store.js'

/** A repair that should be opened: drifting members of one set. */
export interface Wanted {
  readonly setId: ReplicationSetId
  readonly members: readonly InstanceFacts[]
  readonly drift: readonly string[]
}

/** Between two repairs of one set: doubled as long as drift comes back, forgotten after a quiet time. */
const PAUSE_MS_MIN = 5_000
const PAUSE_MS_MAX = 300_000

/**
 * Decides what is to be repaired. Drift counts when two consecutive reports of an instance show it and no operation told the
 * instance anything between them, so that changes under way are not taken for drift: looks are a second apart, and two promotes
 * fit between two of them, each with a report that is older than its row. Instances that are busy, silent or in ERROR are left
 * alone: an operation, an operator or time deals with them.
 */
export interface DriftWatch {
  /** `reported` are those that reported lately; what was noted of the others stays. `nowMs` is monotonic. */
  wanted(reported: readonly InstanceFacts[], nowMs: number): readonly Wanted[]
}

type Noted = { readonly report: string; readonly acceptedEpoch: number | null; readonly twice: boolean }

/** A watch that has seen nothing yet; reports older than `reportAgeMsMax` say nothing. */
export function watchDrift(reportAgeMsMax: number): DriftWatch {
  const noted = new Map<InstanceId, Noted>()
  const pauses = new Map<ReplicationSetId, { readonly untilMs: number; readonly pauseMs: number }>()
  return {
    wanted(reported, nowMs) {
      const bySet = new Map<ReplicationSetId, { members: InstanceFacts[]; drift: string[] }>()
      for (const facts of reported) {
        const { instance, stored, sourceEndpoint: source } = facts
        const before = noted.get(instance.id)
        noted.delete(instance.id)
        if (facts.operation || instance.fault || !stored || isSilent(stored, reportAgeMsMax)) continue
        const drift = driftOf({ ...instance, source }, stored.observation)
        if (drift.length === 0) continue
        const note = noteOf(before, stored)
        noted.set(instance.id, note)
        if (!note.twice) continue
        const set = bySet.get(instance.setId) ?? { members: [], drift: [] }
        bySet.set(instance.setId, { members: [...set.members, facts], drift: [...set.drift, ...drift] })
      }
      return [...bySet]
        .filter(([setId]) => isDue(setId, nowMs, pauses))
        .map(([setId, { members, drift }]) => ({ setId, members, drift }))
    },
  }
}

function noteOf(before: Noted | undefined, { bootId, seq, observation }: StoredObservation): Noted {
  const report = `${bootId}/${seq}`
  const acceptedEpoch = observation.accepted?.epoch ?? null
  const isSameState = before?.acceptedEpoch === acceptedEpoch
  return { report, acceptedEpoch, twice: isSameState && (before.twice || before.report !== report) }
}

/** Also notes that the set is being repaired now. */
function isDue(
  setId: ReplicationSetId,
  nowMs: number,
  pauses: Map<ReplicationSetId, { readonly untilMs: number; readonly pauseMs: number }>,
): boolean {
  const before = pauses.get(setId)
  if (before && nowMs < before.untilMs) return false
  const quietForLong = !before || nowMs - before.untilMs > 2 * before.pauseMs
  const pauseMs = quietForLong ? PAUSE_MS_MIN : Math.min(before.pauseMs * 2, PAUSE_MS_MAX)
  pauses.set(setId, { untilMs: nowMs + pauseMs, pauseMs })
  return true
}
