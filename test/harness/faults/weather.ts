import type { Socket } from 'node:net'

/** What happens to the bytes of a connection. */
export type Weather =
  | { readonly kind: 'clear' }
  /** Each chunk arrives later, in order. */
  | { readonly kind: 'delay'; readonly delayMs: number; readonly jitterMs: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** Nothing arrives, nothing is refused; what was held back arrives when the weather clears, as TCP does it. */
  | { readonly kind: 'blackhole' }
  /** The same in one direction. */
  | { readonly kind: 'one-way'; readonly lost: Direction }
  /** Passes so many more bytes, then resets in the middle of whatever that is. */
  | { readonly kind: 'torn'; readonly afterBytes: number }
  /** Resets what is there and what comes. */
  | { readonly kind: 'reset' }

export type Direction = 'to server' | 'to client'
export const CLEAR: Weather = { kind: 'clear' }

/** A connection, as far as the proxy knows it. */
export interface Link {
  /** Local port of the client: with it the process at the other end can be found. */
  readonly clientPort: number
  weather: Weather
  /** Bytes let through under `torn`. */
  passedBytes: number
  readonly client: Socket
  readonly server: Socket
  /** Called by whoever changes the weather. */
  wake: () => void
}
