import { readFileSync } from 'node:fs'
import { leaveWithOwnCode } from './processes/own-exit-code.js'
import { identify, isAlive, type ProcessIdentity, parentOf } from './processes/process-identity.js'
import { isRunByNpm } from './settings/settings.js'

/** Signals that mean "end": a process manager's, a terminal's ^C, and a terminal that is closed. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
/**
 * One wish often comes as several signals: to a process group and passed on by npm and by a script besides. Those that follow the first
 * this soon are the same wish.
 */
const SAME_WISH_MS = 2_000
const PARENT_POLL_MS = 250

/** When a program is to end. */
export interface Stop {
  /** Resolves at SIGTERM, SIGINT or SIGHUP, or when the process that started this one is gone: its channel closed, or npm ended. */
  readonly requested: Promise<void>
  /** Aborts at the same moment. */
  readonly signal: AbortSignal
}

/**
 * Tells the process that started this one what it waits for, such as `the message broker at 127.0.0.1:5672`. To be repeated while it
 * waits: whoever is silent for long counts as stuck. Never with a secret.
 */
export function tellWaiting(waitingFor: string): void {
  if (process.connected) process.send?.({ waitingFor })
}

/**
 * Listens for the wish to end. Nothing exits by itself: the caller closes what it opened and returns. Signals within two seconds of
 * the first are the same wish; a later one is an impatient user's and calls `onAgain`, which ends this process unless told otherwise.
 * A program that has children or guests must not end before they do.
 */
export function untilStopped(onAgain: () => void = leave): Stop {
  const controller = new AbortController()
  const requested = new Promise<void>((resolve) => {
    let firstAtMs = 0
    const request = () => {
      if (controller.signal.aborted) return
      firstAtMs = performance.now()
      controller.abort()
      resolve()
    }
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (controller.signal.aborted && performance.now() - firstAtMs > SAME_WISH_MS) onAgain()
        request()
      })
    }
    process.once('disconnect', request)
    watchStarters(request)
  })
  ignoreGoneReaders()
  leaveWithOwnCode()
  return { requested, signal: controller.signal }
}

function leave(): never {
  process.stderr.write('redtrove: ended before everything was closed\n')
  process.exit(1)
}

/**
 * Output is for people. When its reader is gone (a closed terminal, a pipe into `head`), a write fails, and that must end no program
 * which has others to stop first.
 */
function ignoreGoneReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

/** npm that is killed tells nobody; what it ran would go on without anyone to stop it. */
function watchStarters(onGone: () => void): void {
  const starters = isRunByNpm() ? startersOf(process.ppid) : []
  if (starters.length === 0) return
  const timer = setInterval(() => {
    if (starters.every(isAlive)) return
    clearInterval(timer)
    onGone()
  }, PARENT_POLL_MS)
  timer.unref()
}

/** The parent, and behind a shell that npm started the command with, npm. */
function startersOf(parentPid: number): readonly ProcessIdentity[] {
  const parent = identify(parentPid)
  if (!parent) return []
  const beyond = isShell(parentPid) ? identify(parentOf(parentPid) ?? 0) : null
  return beyond ? [parent, beyond] : [parent]
}

function isShell(pid: number): boolean {
  try {
    const [program = '', flag] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return /(^|\/)(ba|da|k|z)?sh$/.test(program) && flag === '-c'
  } catch {
    return false
  }
}
