import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { backOff } from '../../common/back-off.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { openLog, trimLog } from '../../common/processes/bounded-log.js'
import { isAlive, type ProcessIdentity } from '../../common/processes/process-identity.js'
import { guestEnvironment } from '../../common/settings/settings.js'

const ADOPTED_POLL_MS = 250
/**
 * An agent has little to do and there are many of them: a small young generation, and a bound that is three times what an agent uses. Every
 * Node from 20 to 24 knows these; `guestagent/frugal-engine.ts` adds what has another name in each.
 */
const SMALL = ['--max-semi-space-size=1', '--max-old-space-size=48', '--optimize-for-size']

/** Keeps the agent of one guest running until it is told not to. */
export interface AgentKeeper {
  /** From now on the agent should run: a running one is taken over, a missing one is started. */
  keep(): void
  /** From now on it is left alone, whatever happens to it. */
  leave(): void
}

/** Whose agent, and how it is found and started. */
export interface AgentKeeperOptions {
  readonly dir: string
  /** The running agent of this guest, if there is one. */
  readonly find: () => ProcessIdentity | undefined
  /** Makes the seed file and answers with its path. */
  readonly seed: () => Promise<string>
  /** The program to start, with its first arguments. */
  readonly program: readonly [string, ...string[]]
  readonly log: Logger
}

/** A keeper of one guest’s agent; it does nothing until `keep`. */
export function agentKeeper({ dir, find, seed, program, log }: AgentKeeperOptions): AgentKeeper {
  const pauses = backOff()
  let kept = false
  let starting = false
  let watched: ProcessIdentity | null = null
  let watchedSinceMs = 0
  let timer: NodeJS.Timeout | undefined

  function watch(): void {
    clearTimeout(timer)
    if (!kept) return
    if (watched && isAlive(watched)) {
      timer = setTimeout(watch, ADOPTED_POLL_MS)
      return
    }
    watched = find() ?? null
    if (watched) {
      watchedSinceMs = performance.now()
      timer = setTimeout(watch, ADOPTED_POLL_MS)
      return
    }
    const pauseMs = pauses.next(performance.now() - watchedSinceMs)
    timer = setTimeout(() => void start(), pauseMs)
  }

  async function start(): Promise<void> {
    if (!kept || starting || find()) return watch()
    starting = true
    try {
      await launch(await seed())
    } catch (error) {
      log.error({ dir, reason: messageOf(error) }, 'agent cannot be started')
    } finally {
      starting = false
      watchedSinceMs = performance.now()
      watch()
    }
  }

  /** Its own session and its guest's folder: it outlives this process, and its folder tells whose it is. */
  async function launch(seedFile: string): Promise<void> {
    if (!kept) return
    const file = join(dir, 'agent.log')
    trimLog(file)
    const output = openLog(file)
    const [command, ...first] = program
    const child = spawn(command, [...SMALL, ...first, 'serve', 'guestagent', '--seed', seedFile], {
      cwd: dir,
      // Its seed is all that it is told. Our settings hold the database's password, and agents belong to the guests' side.
      env: guestEnvironment(),
      detached: true,
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.once('exit', (code, signal) => {
      if (kept) log.warn({ dir, agentPid: child.pid, code, signal }, 'agent ended')
      watched = null
      watch()
    })
    child.unref()
    log.info({ dir, agentPid: child.pid }, 'agent started')
  }

  return {
    keep: () => {
      if (kept) return
      kept = true
      watch()
    },
    leave: () => {
      kept = false
      clearTimeout(timer)
    },
  }
}
