import type { SwarmRecord } from './guest-records.js'

/** Whoever began a removal ends it, unless he died; two at once would only be in each other's way. */
const REMOVAL_MS = 60_000

/** Knows how long removals have stood still, as this process has itself seen it: a manager's clock has no part in it. */
export interface RemovalWatch {
  /** Takes in the records as they are now, at a monotonic time; answers with the ids of guests whose removal nobody carries on. */
  left(
    records: readonly Pick<SwarmRecord, 'facts' | 'desired' | 'version'>[],
    nowMs: number,
  ): ReadonlySet<string>
}

/** A watch that has seen nothing yet. */
export function watchRemovals(): RemovalWatch {
  let seen = new Map<string, { readonly version: number; readonly sinceMs: number }>()
  return {
    left(records, nowMs) {
      const removals = records.filter(({ desired }) => desired === 'removed')
      seen = new Map(
        removals.map(({ facts: { instanceId }, version }) => {
          const before = seen.get(instanceId)
          const sinceMs = before?.version === version ? before.sinceMs : nowMs
          return [instanceId, { version, sinceMs }]
        }),
      )
      return new Set([...seen].flatMap(([id, { sinceMs }]) => (nowMs - sinceMs >= REMOVAL_MS ? [id] : [])))
    },
  }
}
