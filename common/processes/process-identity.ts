import { readFileSync, readlinkSync } from 'node:fs'

/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: string
}

/** The process with this number now; null when there is none, or only its remains (a zombie). */
export function identify(pid: number): ProcessIdentity | null {
  const fields = statOf(pid)
  const [state, startTime] = [fields[0], fields[19]]
  if (state === 'Z' || state === 'X' || startTime === undefined) return null
  return { pid, startTime }
}

/** Number of the process that started this one, or that took it over; null when there is no such process. */
export function parentOf(pid: number): number | null {
  const parent = Number(statOf(pid)[1])
  return Number.isInteger(parent) ? parent : null
}

/** The number of the session that a process belongs to, which is that of the process that began it; null when there is no such process. */
export function sessionOf(pid: number): number | null {
  const session = Number(statOf(pid)[3])
  return Number.isSafeInteger(session) ? session : null
}

/** Fields of /proc/PID/stat from the third (the state) on; empty when there is no such process. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name stands in brackets and may itself hold blanks and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

/** The very same process still runs. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return identify(pid)?.startTime === startTime
}

/** The folder a process works in; null when there is no such process or it is another user's. */
export function workingFolderOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return null
  }
}

/** `PID STARTTIME` as one line of a pid file. */
export function formatIdentity({ pid, startTime }: ProcessIdentity): string {
  return `${pid} ${startTime}\n`
}

/** Reads a pid file: ours with a start time, or a plain one without. Null when there is none or it holds no number. */
export function readPidFile(path: string): { pid: number; startTime: string | null } | null {
  try {
    const found = /^(\d{1,10})(?: (\d+))?\s*$/.exec(readFileSync(path, 'utf8'))
    return found ? { pid: Number(found[1]), startTime: found[2] ?? null } : null
  } catch {
    return null
  }
}
