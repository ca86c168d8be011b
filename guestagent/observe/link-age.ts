import type { LinkState } from '../../domain/instance/observation.js'

/** How long a replica's link has been down, by monotonic time: finer than the seconds that INFO counts. */
export interface LinkAge {
  /** Notes what was seen at `nowMs`; null when this is not a replica. */
  note(link: LinkState | null, nowMs: number): void
  readonly last: () => LinkState | null
  /** 0 while the link is up, null when this is not a replica. */
  downMs(nowMs: number): number | null
}

/** An age that has seen nothing yet. A link that is down when first seen counts from then. */
export function linkAge(): LinkAge {
  let last: LinkState | null = null
  let downSinceMs = 0
  return {
    last: () => last,
    note: (link, nowMs) => {
      if (link !== null && link !== 'up' && (last === null || last === 'up')) downSinceMs = nowMs
      last = link
    },
    downMs: (nowMs) => {
      if (last === null) return null
      return last === 'up' ? 0 : Math.max(0, nowMs - downSinceMs)
    },
  }
}
