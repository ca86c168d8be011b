/*
 * The end of one redis-server, gentlest way first: SHUTDOWN SAVE over the agent's connection; SIGTERM, which does the same and needs no
 * connection, with SCRIPT KILL for a script that has not written; SIGKILL. Whatever was acknowledged is in the append-only file, so only
 * a server that says itself that it cannot save is left running: its memory may hold more than its disk.
 */
import type { Clock } from '../../common/clock.js'
import { isKind, messageOf, RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { ProcessIdentity } from '../../common/processes/process-identity.js'
import { waitUntil } from '../../common/wait-until.js'
import { isBusy, type RedisAdmin } from '../redis/admin.js'
import { infoFacts } from '../redis/info.js'

/** How long a server that nobody can ask may take to show that SIGTERM reached it: longer than a script runs before it can be killed. */
const REACT_MS = 3_500
const TERM_AGAIN_MS = 1_000
const POLL_MS = 50
const KILL_TIMEOUT_MS = 5_000
const SAVE_FAILED = /Error trying to save the DB, can't exit/

/** A process to be ended, and the ways to reach it. */
export interface EndingServer {
  readonly current: () => ProcessIdentity | null
  readonly terminate: () => void
  /** With the children that it forked: one that saves would keep the address. */
  readonly kill: () => void
  readonly admin: () => Promise<RedisAdmin>
  /** What it has written to its log since its end began. */
  readonly words: () => string
  readonly clock: Clock
  readonly log: Logger
}

/** How long its data may take to be saved, and whether a refusal to save counts. */
export interface StopOrder {
  readonly timeoutMs: number
  readonly force: boolean
}

/**
 * Ends it; true when its data was saved whole in dump.rdb. Fails with `guest_failed` when it says that it cannot save and `force` is not given, or
 * when not even SIGKILL ends it. Needs no answer of the server.
 */
export async function endServer(server: EndingServer, order: StopOrder): Promise<boolean> {
  const deadlineMs = server.clock.monotonicMs() + order.timeoutMs
  const asked = await askToStop(server, deadlineMs)
  const refusal = asked === 'unheard' ? await endByProcessId(server, deadlineMs) : asked.refusal
  if (refusal !== null && !order.force) {
    const what = `redis-server cannot save its data and was left running (${refusal})`
    throw new RedtroveError('guest_failed', `${what}. Free some space, then restart the instance.`)
  }
  if (server.current()) await kill(server)
  const words = server.words()
  // While it loads it stops without saving; only these two lines together mean that dump.rdb holds everything.
  return /DB saved on disk/.test(words) && /ready to exit/.test(words)
}

type Asked = 'unheard' | { readonly refusal: string | null }

/** `unheard` when it cannot be asked, or nothing came of it. */
async function askToStop(server: EndingServer, deadlineMs: number): Promise<Asked> {
  try {
    const admin = await server.admin()
    await admin.role()
    const refusal = await shutdownWhenWritten(server, admin, deadlineMs)
    if (refusal === null) await untilGone(server, KILL_TIMEOUT_MS)
    return { refusal }
  } catch (error) {
    server.log.warn({ reason: messageOf(error) }, 'redis-server cannot be asked to stop; its process is told')
    return 'unheard'
  }
}

/** Its own words when it refuses. One that still writes its first append-only file after a full copy refuses too, and is asked again. */
async function shutdownWhenWritten(
  { clock }: EndingServer,
  admin: RedisAdmin,
  deadlineMs: number,
): Promise<string | null> {
  const leftMs = () => Math.max(1, deadlineMs - clock.monotonicMs())
  const look = async () => infoFacts(await admin.info('persistence')).persistence
  try {
    await admin.shutdown(leftMs())
    return null
  } catch (error) {
    if (!isKind(error, 'guest_failed') || isBusy(error)) throw error
    if (!(await look()).aofRewriting) return error.message
  }
  await waitUntil('the append-only file is written', look, (seen) => !seen.aofRewriting, {
    timeoutMs: leftMs(),
    clock,
  })
  await admin.shutdown(leftMs())
  return null
}

/** Until it is gone, or nothing but SIGKILL is left; its own words when it cannot save. */
async function endByProcessId(server: EndingServer, deadlineMs: number): Promise<string | null> {
  const { clock } = server
  const reactMs = Math.min(deadlineMs, clock.monotonicMs() + REACT_MS)
  const script = scriptKiller(server)
  let termMs = Number.NEGATIVE_INFINITY
  while (server.current()) {
    const nowMs = clock.monotonicMs()
    // Again: one that writes its first append-only file forgets the signal.
    if (nowMs - termMs >= TERM_AGAIN_MS) {
      server.terminate()
      termMs = nowMs
    }
    const words = server.words()
    if (SAVE_FAILED.test(words)) return 'it could not write dump.rdb'
    const isEnding = /User requested shutdown/.test(words)
    if (!isEnding && script.hasWritten()) return null
    if (nowMs >= (isEnding ? deadlineMs : reactMs)) return null
    if (!isEnding) script.tryToEnd()
    await clock.sleep(POLL_MS)
  }
  return null
}

/** Ends scripts and functions that have not written, as soon as the server lets anybody do so. One try at a time; a frozen server hears none. */
function scriptKiller({ admin, log }: EndingServer) {
  let trying = false
  let written = false
  const once = async () => {
    const outcome = await (await admin()).killScript()
    if (outcome === 'ended') log.warn('a script that kept redis-server busy was ended')
    written = outcome === 'has written'
  }
  return {
    hasWritten: () => written,
    tryToEnd: () => {
      if (trying) return
      trying = true
      void once()
        .catch(() => undefined)
        .finally(() => {
          trying = false
        })
    },
  }
}

async function kill(server: EndingServer): Promise<void> {
  server.log.warn({ serverPid: server.current()?.pid }, 'redis-server is killed')
  server.kill()
  try {
    await untilGone(server, KILL_TIMEOUT_MS)
  } catch (cause) {
    const { pid } = server.current() ?? { pid: 0 }
    const why = `redis-server (process ${pid}) was killed and does not end, as when its disk hangs`
    throw new RedtroveError('guest_failed', `${why}. Look at the disk, then try again.`, { cause })
  }
}

async function untilGone({ current }: EndingServer, timeoutMs: number): Promise<void> {
  await waitUntil('redis-server is gone', current, (left) => left === null, { timeoutMs })
}
