/* redis-server's own output, kept small. The child writes with O_APPEND, so the file can be cut while it runs. */
import { closeSync, constants, copyFileSync, openSync, readSync, statSync, truncateSync } from 'node:fs'

const LOG_BYTES_MAX = 4 * 1024 * 1024
const TAIL_BYTES = 4096

/** The log of one guest. */
export interface ServerLog {
  /** A descriptor for the child; the caller closes its own copy. */
  openForChild(): number
  sizeBytes(): number
  /** The last lines written at or after `fromBytes`, at most 4 KB. */
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
/** What every start says of the machine's settings. */
const ADVICE = /^# WARNING:? (?:Memory overcommit|overcommit_memory|The TCP backlog|[Yy]ou have Transparent)/

/**
 * The end of a log as one sentence for a fault: the last warnings, without time stamps, banners or any of `secrets`.
 * Lines of redis-server look like `123:M 01 Jan 2026 00:00:00.000 # text`; `#` marks a warning.
 */
export function lastWords(log: string, secrets: readonly string[]): string {
  const lines = log
    .split('\n')
    .map((line) => line.replace(/^\d+:[A-Z] .{20,24} ([#*.-]) /, '$1 ').trim())
    .filter((line) => FATAL.test(line) && !ADVICE.test(line))
    .map((line) => line.replace(/^[#*] /, ''))
    .slice(-3)
  const text = lines.join(' ') || 'it left no message'
  return secrets
    .filter((secret) => secret !== '')
    .reduce((left, secret) => left.split(secret).join('[redacted]'), text)
}
