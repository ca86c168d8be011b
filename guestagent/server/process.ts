import { spawn } from 'node:child_process'
import { closeSync, existsSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { RedtroveError } from '../../common/errors.js'
import {
  formatIdentity,
  identify,
  isAlive,
  type ProcessIdentity,
  readPidFile,
  workingFolderOf,
} from '../../common/processes/process-identity.js'
import { guestEnvironment } from '../../common/settings/settings.js'
import type { GuestPaths } from '../paths.js'
import type { ServerExit } from './ending.js'
import type { ServerLog } from './server-log.js'

const ADOPTED_POLL_MS = 100

/** One redis-server process at a time: started as a child of its own session, or found running and adopted. */
export interface ServerProcess {
  readonly current: () => ProcessIdentity | null
  /** Takes over the redis-server that an earlier agent of this folder started; null when none runs. */
  adopt(): ProcessIdentity | null
  /** Starts one. Fails with `guest_failed` when the program cannot be run. */
  start(program: string): Promise<ProcessIdentity>
  /** SIGTERM: Redis saves and ends by itself as soon as it runs its clock again. */
  terminate(): void
  /** SIGKILL, also to what it has forked: a child that saves or rewrites would keep the address. */
  kill(): void
  /** Looks now whether an adopted process still runs; a child's end is noticed by itself. */
  check(): void
  /** Stops watching; the process goes on. */
  release(): void
}

/** `onExit` is called once for each process that ended, however that came about; `exit` is null for one that was adopted. */
export function serverProcess(
  paths: GuestPaths,
  log: ServerLog,
  onExit: (ended: ProcessIdentity, exit: ServerExit | null) => void,
): ServerProcess {
  let process: ProcessIdentity | null = null
  let poll: NodeJS.Timeout | undefined

  const ended = (who: ProcessIdentity, exit: ServerExit | null = null) => {
    if (process?.pid !== who.pid || process.startTime !== who.startTime) return
    process = null
    clearInterval(poll)
    poll = undefined
    rmSync(paths.serverPid, { force: true })
    onExit(who, exit)
  }
  // A child's own exit event says how it ended; until it comes, only its remains are seen.
  const check = () => {
    if (poll && process && !isAlive(process)) ended(process)
  }

  return {
    current: () => process,
    check,
    adopt: () => {
      process = findRunning(paths)
      if (process) {
        writeFileSync(paths.serverPid, formatIdentity(process), { mode: 0o600 })
        poll = setInterval(check, ADOPTED_POLL_MS)
        poll.unref()
      }
      return process
    },
    start: async (program) => {
      const output = log.openForChild()
      const child = spawn(program, [paths.conf], {
        cwd: paths.data,
        env: guestEnvironment(),
        detached: true,
        stdio: ['ignore', output, output],
      })
      closeSync(output)
      const started = child.pid === undefined ? null : identify(child.pid)
      if (started) {
        process = started
        writeFileSync(paths.serverPid, formatIdentity(started), { mode: 0o600 })
      }
      child.once('exit', (code, signal) => started && ended(started, { code, signal }))
      const failure = await new Promise<Error | null>((resolve) => {
        child.once('spawn', () => resolve(null))
        child.once('error', resolve)
      })
      child.unref()
      if (failure || !started) {
        throw new RedtroveError(
          'guest_failed',
          `${program} cannot be started: ${failure?.message ?? 'it ended at once'}.`,
        )
      }
      return started
    },
    terminate: () => {
      if (process && isAlive(process)) globalThis.process.kill(process.pid, 'SIGTERM')
    },
    kill: () => {
      if (process && isAlive(process)) killWithChildren(process.pid)
    },
    release: () => {
      clearInterval(poll)
      process = null
    },
  }
}

/** A server leads a process group of its own, unless somebody else than an agent started it. What is gone by now is as it should be. */
function killWithChildren(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      globalThis.process.kill(target, 'SIGKILL')
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // system calls carry a code
    }
  }
}

/** By our pid file or redis-server's own; the number alone is not believed: it must work in this guest's data folder. */
function findRunning(paths: GuestPaths): ProcessIdentity | null {
  if (!existsSync(paths.data)) return null
  const folder = realpathSync(paths.data)
  for (const file of [paths.serverPid, paths.redisPid]) {
    const noted = readPidFile(file)
    const found = noted ? identify(noted.pid) : null
    if (!noted || !found) continue
    if (noted.startTime !== null && noted.startTime !== found.startTime) continue
    if (workingFolderOf(found.pid) === folder) return found
  }
  return null
}
