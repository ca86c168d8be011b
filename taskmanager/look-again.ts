import type { Clock } from '../common/clock.js'

/** How often to look, and who is told of a look that failed. */
export interface LookAgainOptions {
  readonly pauseMs: number
  readonly clock: Clock
  readonly onFailure: (error: unknown) => void
}

/** Looks at once and then again and again, a pause after each; a look that fails ends nothing. Returns the way to stop it, which waits for a look under way. */
export function lookAgain(
  look: () => Promise<void>,
  { pauseMs, clock, onFailure }: LookAgainOptions,
): () => Promise<void> {
  const stopped = new AbortController()
  const loop = async () => {
    while (!stopped.signal.aborted) {
      await look().catch(onFailure)
      await clock.sleep(pauseMs, stopped.signal).catch(() => {})
    }
  }
  const ended = loop()
  return async () => {
    stopped.abort()
    await ended
  }
}
