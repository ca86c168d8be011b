const PAUSES_MS = [0, 250, 500, 1_000, 2_000] as const
/** A process that lived this long has earned a fresh start. */
const STEADY_MS = 30_000

/** Pauses between starts of a process that keeps dying. */
export interface BackOff {
  /** How long to wait before the next start of a process that lived for `livedMs`. */
  next(livedMs: number): number
}

/** A back-off that starts with the shortest pause. */
export function backOff(): BackOff {
  let failures = 0
  return {
    next: (livedMs) => {
      failures = livedMs >= STEADY_MS ? 0 : failures
      const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 0
      failures += 1
      return pause
    },
  }
}
