/** So many crashes within the window, and the server stays down. */
export const CRASHES_MAX = 3
/** Crashes further apart than this are unrelated. */
export const CRASH_WINDOW_MS = 60_000

/** Remembers crashes by monotonic time and says when to give up: three within a minute. */
export interface CrashLimit {
  /** Notes one; true when the server should be started again. */
  note(nowMs: number): boolean
  forget(): void
}

/** A limit that has seen no crash yet. */
export function crashLimit(): CrashLimit {
  let times: readonly number[] = []
  return {
    note: (nowMs) => {
      times = [...times.filter((time) => nowMs - time < CRASH_WINDOW_MS), nowMs]
      return times.length < CRASHES_MAX
    },
    forget: () => {
      times = []
    },
  }
}
