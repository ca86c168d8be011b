/*
 * The agent's connection to its server. redis-server counts it among all others, so one that is full refuses its agent as well: the agent
 * keeps the connection that it has, comes in first when the server starts, and says when it has been locked out for long.
 */
import type { Clock } from '../../common/clock.js'
import { RedtroveError } from '../../common/errors.js'
import { type AdminOptions, connectAdmin, type RedisAdmin } from '../redis/admin.js'
import { isFull } from '../redis/full-server.js'

const ADMIN_TIMEOUT_MS = 2_000
/** A slot that some client leaves is free for a moment only. */
const TRY_AGAIN_MS = 10
/** Faster than other clients find a server that has just begun to listen. */
const ENTER_AGAIN_MS = 5
const ENTER_MS_MAX = 10_000
const LOCKED_OUT_MS_MAX = 10_000

/** How to reach the server now, and what to tell. */
export interface WayInOptions {
  /** Fails when there is no server to be reached. */
  readonly target: () => Omit<AdminOptions, 'timeoutMs' | 'onClose'>
  readonly clock: Clock
  /** The connection ended. */
  readonly onClose: () => void
  /** How long a server may be full before that is told; 10 s when it is not said. */
  readonly lockedOutMsMax: number | undefined
  /** The server has been full for so long. */
  readonly onLockedOut: () => void
}

/** One connection, shared by all who ask. */
export interface WayIn {
  /** A live connection. Fails with `guest_failed` or `guest_timeout` when there is none to be had. */
  admin(): Promise<RedisAdmin>
  /** Comes in as early as can be, while `isWanted`: for a server that was just started. */
  enter(isWanted: () => boolean): Promise<void>
  drop(): void
}

/** A way in that is not open yet. */
export function wayIn(options: WayInOptions): WayIn {
  const { target, clock, onClose, onLockedOut, lockedOutMsMax = LOCKED_OUT_MS_MAX } = options
  let connection: Promise<RedisAdmin> | null = null
  let lockedOutMs: number | null = null

  async function connect(onEnd: () => void): Promise<RedisAdmin> {
    const deadlineMs = clock.monotonicMs() + ADMIN_TIMEOUT_MS
    const to = { ...target(), timeoutMs: ADMIN_TIMEOUT_MS, onClose: onEnd }
    for (;;) {
      try {
        const admin = await connectAdmin(to)
        lockedOutMs = null
        return admin
      } catch (error) {
        if (!(await isFull(to.socket))) {
          lockedOutMs = null
          throw error
        }
        lockedOutMs ??= clock.monotonicMs()
        if (clock.monotonicMs() >= deadlineMs) throw fullServer(error)
      }
      await clock.sleep(TRY_AGAIN_MS)
    }
  }

  function admin(): Promise<RedisAdmin> {
    if (connection) return connection
    const opening = connect(() => {
      if (connection === opening) connection = null
      onClose()
    })
    connection = opening
    opening.catch(() => {
      if (connection === opening) connection = null
      if (lockedOutMs === null || clock.monotonicMs() - lockedOutMs < lockedOutMsMax) return
      lockedOutMs = null
      onLockedOut()
    })
    return opening
  }

  return {
    admin,
    enter: async (isWanted) => {
      const deadlineMs = clock.monotonicMs() + ENTER_MS_MAX
      while (isWanted() && clock.monotonicMs() < deadlineMs) {
        try {
          await admin()
          return
        } catch {
          await clock.sleep(ENTER_AGAIN_MS)
        }
      }
    },
    drop: () => {
      void connection?.then((open) => open.close()).catch(() => undefined)
      connection = null
      lockedOutMs = null
    },
  }
}

function fullServer(cause: unknown): RedtroveError {
  return new RedtroveError(
    'guest_failed',
    'All connections of redis-server are taken (max number of clients reached), so its agent cannot reach it. The agent tries on, and restarts it if that does not help.',
    { cause },
  )
}
