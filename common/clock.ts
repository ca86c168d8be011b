import { setTimeout as delay } from 'node:timers/promises'

/** Time as a dependency, so that a test can own it. */
export interface Clock {
  /** Wall clock, for what people read. Milliseconds since 1970. Never used to decide whether time has passed, nor compared with a stored time (ADR 13). */
  now(): number
  /** Monotonic milliseconds of this process; leases, ages and deadlines are measured with it. */
  monotonicMs(): number
  /** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal ? { signal } : {})
  },
}
