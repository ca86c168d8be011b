import type { Clock } from '../../common/clock.js'

/** Turns of the event loop without anything under way before time may pass. */
const QUIET_TURNS = 4

interface Timer {
  readonly atMs: number
  readonly fire: () => void
}

/**
 * Time that passes only when nobody has anything else to do: a wait of an hour takes no time, and nothing is ever late because
 * the machine is slow. `busy` marks work that is under way outside of timers.
 */
export class VirtualClock implements Clock {
  private nowMs = 1_700_000_000_000
  private timers: Timer[] = []
  private underWay = 0

  now(): number {
    return this.nowMs
  }

  monotonicMs(): number {
    return this.nowMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const aborted = () => {
        this.timers = this.timers.filter((one) => one !== timer)
        reject(signal?.reason)
      }
      const fire = () => {
        signal?.removeEventListener('abort', aborted)
        resolve()
      }
      const timer = { atMs: this.nowMs + Math.max(0, ms), fire }
      this.timers.push(timer)
      signal?.addEventListener('abort', aborted, { once: true })
    })
  }

  async busy<T>(work: () => Promise<T>): Promise<T> {
    this.underWay += 1
    try {
      return await work()
    } finally {
      this.underWay -= 1
    }
  }

  /** The opposite within busy work: it waits, and nothing else of it is under way. */
  async idle<T>(wait: () => Promise<T>): Promise<T> {
    this.underWay -= 1
    try {
      return await wait()
    } finally {
      this.underWay += 1
    }
  }

  /** Lets time pass until `work` is settled; fails when `limitMs` of it passed, or when nobody waits for anything. */
  async drive<T>(work: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    work.then(done, done)
    const endMs = this.nowMs + limitMs
    for (let quiet = 0; !settled; ) {
      await new Promise((resolve) => setImmediate(resolve))
      quiet = this.underWay === 0 ? quiet + 1 : 0
      if (settled || quiet < QUIET_TURNS) continue
      quiet = 0
      if (!this.advance()) throw new Error('Nothing is under way and nobody waits: this would hang for ever.')
      if (this.nowMs > endMs) throw new Error(`Not settled after ${limitMs} ms of its own time.`)
    }
    return work
  }

  /** Fires what is due next. */
  private advance(): boolean {
    const next = this.timers.reduce<Timer | null>(
      (first, one) => (first && first.atMs <= one.atMs ? first : one),
      null,
    )
    if (!next) return false
    this.timers = this.timers.filter((one) => one !== next)
    this.nowMs = Math.max(this.nowMs, next.atMs)
    next.fire()
    return true
  }
}
