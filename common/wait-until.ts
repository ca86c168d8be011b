import { type Clock, systemClock } from './clock.js'
import { type ErrorKind, isKind, messageOf, RedtroveError } from './errors.js'

/** How long to look, how often, and how to say what was seen. */
export interface WaitOptions<T> {
  readonly timeoutMs: number
  readonly pollMs?: number
  readonly clock?: Clock
  readonly signal?: AbortSignal
  /** Kind of the failure at the deadline. */
  readonly kind?: ErrorKind
  /** Turns the last value into words for the failure. */
  readonly describe?: (last: T) => string
}

/**
 * Looks until `done(value)` is true and resolves with that value.
 * A look that throws counts as "not yet"; at the deadline the failure (`guest_timeout` unless told otherwise, `unavailable` when
 * it was the control plane itself that could not look) says what was awaited and what was last seen. Never waits longer than
 * `timeoutMs` between looks.
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T> | T,
  done: (value: T) => boolean,
  options: WaitOptions<T>,
): Promise<T> {
  const { timeoutMs, pollMs = 20, clock = systemClock, signal, kind = 'guest_timeout' } = options
  const describe = options.describe ?? ((value: T) => JSON.stringify(value) ?? String(value))
  const deadline = clock.monotonicMs() + timeoutMs
  let lastSeen = 'nothing'
  let cause: unknown
  for (;;) {
    signal?.throwIfAborted()
    try {
      const value = await look()
      if (done(value)) return value
      lastSeen = describe(value)
      cause = undefined
    } catch (error) {
      if (signal?.aborted) throw error
      lastSeen = messageOf(error)
      cause = error
    }
    const leftMs = deadline - clock.monotonicMs()
    if (leftMs <= 0) {
      // Whose fault it is decides whether the caller tries again: nothing is known of a guest while the broker is away.
      const why = isKind(cause, 'unavailable') ? 'unavailable' : kind
      throw new RedtroveError(
        why,
        `Waited ${timeoutMs} ms until ${what}; last seen: ${lastSeen.replace(/\.$/, '')}.`,
        {
          cause,
        },
      )
    }
    await clock.sleep(Math.min(pollMs, leftMs), signal)
  }
}
