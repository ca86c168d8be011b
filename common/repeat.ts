import type { Clock } from './clock.js'

/** How often to act, and who is told of a time that failed. */
export interface RepeatOptions {
  /** After each time. */
  readonly pauseMs: number
  /** Also before the first time. */
  readonly pauseFirst?: boolean
  readonly clock: Clock
  readonly onFailure: (error: unknown) => void
}

/** Acts again and again until it is stopped; a time that fails ends nothing. Returns the way to stop, which waits for a time under way. */
export function repeat(
  act: () => Promise<void>,
  { pauseMs, pauseFirst = false, clock, onFailure }: RepeatOptions,
): () => Promise<void> {
  const stopped = new AbortController()
  const pause = () => clock.sleep(pauseMs, stopped.signal).catch(() => {})
  const loop = async () => {
    if (pauseFirst) await pause()
    while (!stopped.signal.aborted) {
      await act().catch(onFailure)
      await pause()
    }
  }
  const ended = loop()
  return async () => {
    stopped.abort()
    await ended
  }
}

/** A listener for failures that passes a sentence on when it differs from the one before; `forget` after a time that went well. */
export function onceEach(say: (reason: string) => void): {
  readonly note: (reason: string) => void
  forget(): void
} {
  let said = ''
  return {
    note: (reason) => {
      if (reason !== said) say(reason)
      said = reason
    },
    forget: () => {
      said = ''
    },
  }
}
