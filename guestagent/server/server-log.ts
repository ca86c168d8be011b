/* redis-server's own output, kept small. The child writes with O_APPEND, so the file can be cut while it runs. */
import { closeSync, constants, copyFileSync, openSync, readSync, statSync, truncateSync } from 'node:fs'

const LOG_BYTES_MAX = 4 * 1024 * 1024
/** A crash report is some 50 KB, and the cause stands at its beginning. */
const TAIL_BYTES = 128 * 1024

/** The log of one guest. */
export interface ServerLog {
  /** A descriptor for the child; the caller closes its own copy. */
  openForChild(): number
  sizeBytes(): number
  /** The last lines written at or after `fromBytes`, at most 128 KB. */
  tail(fromBytes?: number): string
  /** Moves the text aside once there is too much of it. */
  trim(): void
}

/** The log at `path` (0600), with one older generation at `olderPath`. */
export function serverLog(path: string, olderPath: string): ServerLog {
  const sizeBytes = () => {
    try {
      return statSync(path).size
    } catch {
      return 0
    }
  }
  return {
    sizeBytes,
    openForChild: () => openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600),
    tail: (fromBytes = 0) => readTail(path, fromBytes, sizeBytes()),
    trim: () => {
      if (sizeBytes() <= LOG_BYTES_MAX) return
      copyFileSync(path, olderPath)
      truncateSync(path)
    },
  }
}

function readTail(path: string, fromBytes: number, sizeBytes: number): string {
  const start = Math.max(fromBytes <= sizeBytes ? fromBytes : 0, sizeBytes - TAIL_BYTES)
  const buffer = Buffer.alloc(Math.max(0, sizeBytes - start))
  try {
    const fd = openSync(path, 'r')
    try {
      return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, start)).toString('utf8')
    } finally {
      closeSync(fd)
    }
  } catch {
    return ''
  }
}

const FATAL = /^(?:>>> |\*\*\* FATAL|Can't|Fatal error|# )/
/** What every start says: its banner, and advice on the machine's settings. */
const BANNER =
  /^# (?:oO0OoO0OoO0Oo|\S+ version=|Configuration loaded|Server initialized|WARNING:? (?:Memory overcommit|overcommit_memory|The TCP backlog|[Yy]ou have Transparent))/
/** Beside one of these every other line of a crash is ornament. */
const CAUSE = /crashed by signal|==> .* is not true|Out Of Memory allocating|Guru Meditation/

/**
 * The end of a log as one sentence for a fault: the cause of a crash, else the last warnings, without time stamps, banners or any of
 * `secrets`; null when there is none. Lines of redis-server look like `123:M 01 Jan 2026 00:00:00.000 # text`; `#` marks a warning.
 */
export function lastWords(log: string, secrets: readonly string[]): string | null {
  const lines = log.split('\n').map((line) => line.replace(/^\d+:[A-Z] .{20,24} ([#*.-]) /, '$1 ').trim())
  const causes = lines.filter((line) => CAUSE.test(line))
  const warnings = lines.filter((line) => FATAL.test(line) && !BANNER.test(line))
  const words = (causes.length > 0 ? causes : warnings.slice(-3)).map((line) => line.replace(/^[#*] /, ''))
  if (words.length === 0) return null
  return secrets
    .filter((secret) => secret !== '')
    .reduce((left, secret) => left.split(secret).join('[redacted]'), words.join(' '))
}
