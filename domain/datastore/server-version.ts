/** A server's version as numbers, so that it can be compared. */
export interface ServerVersion {
  readonly major: number
  readonly minor: number
  readonly patch: number
}

/** The oldest server that is run: the first with PSYNC and a stable `min-slaves-to-write`. */
export const OLDEST_SERVER: ServerVersion = { major: 2, minor: 8, patch: 0 }

/** Reads `7.0.15`, also out of the line that `redis-server --version` prints; null when there is no version in it. */
export function parseServerVersion(text: string): ServerVersion | null {
  const found = /(?:v=|^)(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?/.exec(text.trim())
  if (!found) return null
  return { major: Number(found[1]), minor: Number(found[2]), patch: Number(found[3] ?? 0) }
}

/** The version as users write it. */
export function formatServerVersion({ major, minor, patch }: ServerVersion): string {
  return `${major}.${minor}.${patch}`
}

/** True when `version` is `wanted` or newer. */
export function isAtLeast(version: ServerVersion, wanted: string): boolean {
  const [major = 0, minor = 0, patch = 0] = wanted.split('.').map(Number)
  if (version.major !== major) return version.major > major
  if (version.minor !== minor) return version.minor > minor
  return version.patch >= patch
}
