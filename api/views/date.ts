/** Trove's dates: UTC, whole seconds, no zone. */
export function dateOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19)
}

/** The same, or null. */
export function dateOrNull(atMs: number | null): string | null {
  return atMs === null ? null : dateOf(atMs)
}
