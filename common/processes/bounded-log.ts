import { copyFileSync, mkdirSync, openSync, statSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'

const LOG_BYTES_MAX = 16 * 1024 * 1024

/** Opens a log file for a child to append to (0600); the caller closes its own copy. */
export function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  return openSync(file, 'a', 0o600)
}

/** Moves a log that has grown too large aside; the writer appends, so the file can be cut while it runs. */
export function trimLog(file: string): void {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (bytes <= LOG_BYTES_MAX) return
  copyFileSync(file, `${file}.1`)
  truncateSync(file)
}
