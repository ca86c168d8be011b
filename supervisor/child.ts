import { type ChildProcess, fork } from 'node:child_process'
import { closeSync } from 'node:fs'
import { z } from 'zod'
import { backOff } from '../common/back-off.js'
import { RedtroveError } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import { openLog, trimLog } from '../common/processes/bounded-log.js'

const STOP_MS_MAX = 8_000
const START_MS_MAX = 60_000
const TRIM_MS = 60_000

const messageSchema = z.union([
  z.object({ ready: z.literal(true), port: z.int().optional() }),
  z.object({ failed: z.string() }),
  z.object({ waitingFor: z.string() }),
])

/** A program of ours that is started again with back-off when it dies. */
export interface KeptChild {
  /** Resolves when it first says that it is ready, however long it waits; rejects with its own sentence when it cannot start. */
  readonly ready: Promise<{ readonly port: number | null }>
  pid(): number | null
  /** Ends it, by force at a deadline; it is not started again. */
  stop(): Promise<void>
}

/** What to run, and where its output goes. */
export interface KeptChildOptions {
  /** What to run after the program's name, for example ['serve', 'api']. */
  readonly args: readonly string[]
  /** Node's own, besides those that this process was started with. */
  readonly nodeArgs?: readonly string[]
  readonly program: string
  readonly env: NodeJS.ProcessEnv
  readonly logFile: string
  readonly log: Logger
  /** What it needs and has not got yet, in its own words; repeated while it waits. */
  readonly onWaiting: (waitingFor: string) => void
}

/**
 * Starts it and keeps it. It has a process group of its own, so that ^C reaches the supervisor alone, and a channel, whose end
 * tells it that the supervisor is gone.
 */
export function keepChild({
  args,
  nodeArgs = [],
  program,
  env,
  logFile,
  log,
  onWaiting,
}: KeptChildOptions): KeptChild {
  const pauses = backOff()
  const what = args.join(' ')
  let child: ChildProcess | null = null
  let stopping = false
  let settled = false
  let port: number | null = null
  let timer: NodeJS.Timeout | undefined
  const trimming = setInterval(() => trimLog(logFile), TRIM_MS)
  trimming.unref()
  let resolveReady: (value: { port: number | null }) => void = () => undefined
  let rejectReady: (error: Error) => void = () => undefined
  const ready = new Promise<{ port: number | null }>((resolve, reject) => {
    resolveReady = resolve
    rejectReady = reject
  })
  ready.catch(() => undefined)
  const late = setTimeout(
    () =>
      rejectReady(
        new RedtroveError('unavailable', `${what} was not ready within ${START_MS_MAX} ms; see ${logFile}.`),
      ),
    START_MS_MAX,
  )
  start()
  return { ready, pid: () => child?.pid ?? null, stop }

  function start(): void {
    const output = openLog(logFile)
    const startedAtMs = performance.now()
    // A port of 0 is chosen once; clients keep the address over a restart.
    const fixed = port === null ? {} : { REDTROVE_API_PORT: String(port) }
    const started = fork(program, [...args], {
      execArgv: [...process.execArgv, ...nodeArgs],
      env: { ...env, ...fixed },
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
    })
    closeSync(output)
    child = started
    started.on('message', heard)
    started.on('error', (error) => rejectReady(error))
    started.once('exit', (code, signal) => {
      if (child === started) child = null
      if (stopping) return
      log.warn({ program: what, code, signal }, 'program ended')
      if (!settled)
        rejectReady(
          new RedtroveError('unavailable', `${what} ended with ${signal ?? `code ${code}`}; see ${logFile}.`),
        )
      timer = setTimeout(start, pauses.next(performance.now() - startedAtMs))
    })
    log.info({ program: what, childPid: started.pid }, 'program started')
  }

  function heard(message: unknown): void {
    const parsed = messageSchema.safeParse(message)
    if (!parsed.success || stopping) return
    if ('waitingFor' in parsed.data) {
      // Who waits for something of ours or of the user's is not stuck, however long that takes.
      if (!settled) late.refresh()
      onWaiting(parsed.data.waitingFor)
      return
    }
    clearTimeout(late)
    if ('failed' in parsed.data) {
      rejectReady(new RedtroveError('unavailable', parsed.data.failed))
      return
    }
    settled = true
    port = parsed.data.port ?? port
    resolveReady({ port })
  }

  async function stop(): Promise<void> {
    stopping = true
    clearTimeout(timer)
    clearTimeout(late)
    clearInterval(trimming)
    const running = child
    // Without a pid it could not be started at all.
    if (!running?.pid || running.exitCode !== null || running.signalCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    const impatient = setTimeout(() => running.kill('SIGKILL'), STOP_MS_MAX)
    running.kill('SIGTERM')
    await ended
    clearTimeout(impatient)
  }
}
