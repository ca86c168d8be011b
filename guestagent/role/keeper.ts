/*
 * Brings a server that was started, or found running, to the role this guest was given, and learns what was missed. When that server may take
 * writes, `domain/replication/may-take-writes.ts` says; this file only takes turns: settle what needs nobody's word, ask, look again.
 * The server of a guest without a memory does not run until it was told what it is, and it leads by the command of its birth alone: if it led
 * before, it has lost its data, and must not give its emptiness to those who follow it.
 */
import { messageOf } from '../../common/errors.js'
import type { Standing } from '../../domain/replication/may-take-writes.js'
import type { RoleKeeperOptions } from './keeper-parts.js'
import { confirm, learn } from './learn.js'
import { settle } from './settle.js'
import { standingBook } from './standing.js'
import { openTurns } from './turns.js'

const LOOK_MS = 50
const ASK_AGAIN_MS_MIN = 200
const ASK_AGAIN_MS_MAX = 3_000
/** How long a source may wait for its confirmation before it says so. */
const COMPLAIN_MS = 3_000

/** Whoever keeps a server in its role. */
export interface RoleKeeper {
  /** Something happened to the process or the broker: look, and ask, at once. */
  kick(): void
  /** The control plane itself has just given this server process its role. */
  confirm(): void
  /** Writes may be taken without asking: see `writeVerdict`. */
  readonly mayLead: () => boolean
  /** What keeps the server from its role, as a sentence for the user. */
  fault(): string | null
  /** The control plane says that it leads, and it has nothing. */
  readonly isEmptied: () => boolean
  close(): void
}

/** A keeper that acts when it is kicked, and goes on until the server has its role and the control plane was heard. */
export function roleKeeper(options: RoleKeeperOptions): RoleKeeper {
  const { server, accepted, clock, log } = options
  const book = standingBook(server, accepted)
  const parts = { ...options, book }
  const closing = new AbortController()
  let askAgainMs = ASK_AGAIN_MS_MIN
  let askedMs = Number.NEGATIVE_INFINITY

  const turns = openTurns(async () => {
    const quiet = (what: string) => (error: unknown) => log.debug({ reason: messageOf(error) }, what)
    await settle(parts).catch(quiet('role not settled yet'))
    if (book.now().asks && clock.monotonicMs() - askedMs >= askAgainMs) {
      askedMs = clock.monotonicMs()
      askAgainMs = Math.min(askAgainMs * 2, ASK_AGAIN_MS_MAX)
      await learn(parts, closing.signal).catch(quiet('nothing learnt'))
    }
    const who = book.process()
    if (who !== null && who !== book.now().settled) return LOOK_MS
    return book.now().asks ? askAgainMs : null
  })

  return {
    mayLead: book.mayLead,
    confirm: () => confirm(parts),
    kick: () => {
      book.note({ type: 'kicked' })
      askAgainMs = ASK_AGAIN_MS_MIN
      askedMs = Number.NEGATIVE_INFINITY
      turns.kick()
    },
    fault: () => faultOf(book.now(), { isUp: server.state() === 'up', nowMs: clock.monotonicMs() }),
    isEmptied: () => book.now().emptied !== null,
    close: () => {
      closing.abort()
      turns.close()
    },
  }
}

function faultOf(
  { trouble, emptied, waitsSinceMs }: Standing,
  { isUp, nowMs }: { readonly isUp: boolean; readonly nowMs: number },
): string | null {
  if (trouble !== null && isUp) return `redis-server cannot be brought to its role: ${trouble}`
  if (emptied !== null) return emptied
  if (waitsSinceMs === null || nowMs - waitsSinceMs < COMPLAIN_MS) return null
  return 'redis-server was started again and refuses writes until the control plane confirms that it still leads its set.'
}
