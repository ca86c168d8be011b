/** When a program is to end. */
export interface Stop {
  /** Resolves at SIGINT, SIGTERM, or when the parent that started this process with a channel is gone. */
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
 * Listens for the wish to end. Nothing exits by itself: the caller closes what it opened and returns. A second signal while
 * closing ends the process at once.
 */
export function untilStopped(): Stop {
  const controller = new AbortController()
  const requested = new Promise<void>((resolve) => {
    const stop = () => {
      if (controller.signal.aborted) process.exit(1)
      controller.abort()
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    process.once('disconnect', () => {
      if (!controller.signal.aborted) stop()
    })
  })
  return { requested, signal: controller.signal }
}
