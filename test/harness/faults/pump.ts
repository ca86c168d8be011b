import type { Socket } from 'node:net'
import type { Direction, Link, Weather } from './weather.js'

const HELD_BYTES_MAX = 4 * 1024 * 1024

interface Parcel {
  /** null is the end of the stream. */
  readonly bytes: Buffer | null
  readonly atMs: number
}

/** Carries one direction of a link through its weather; answers with what to call when the weather has changed. */
export function pump(link: Link, from: Socket, to: Socket, direction: Direction): () => void {
  const parcels: Parcel[] = []
  let heldBytes = 0
  let dueMs = 0
  let timer: NodeJS.Timeout | undefined

  const take = (bytes: Buffer | null) => {
    parcels.push({ bytes, atMs: performance.now() })
    heldBytes += bytes?.length ?? 0
    // A sender finds its window closed, as it would on a real wire.
    if (heldBytes > HELD_BYTES_MAX) from.pause()
    if (parcels.length === 1) deliver()
  }

  function deliver(): void {
    clearTimeout(timer)
    for (let parcel = parcels[0]; parcel; parcel = parcels[0]) {
      const waitMs = waitFor(parcel, link.weather)
      if (waitMs === Number.POSITIVE_INFINITY) return
      if (waitMs > 0) {
        timer = setTimeout(deliver, waitMs)
        return
      }
      parcels.shift()
      heldBytes -= parcel.bytes?.length ?? 0
      pass(parcel.bytes)
    }
    if (heldBytes < HELD_BYTES_MAX && from.isPaused()) from.resume()
  }

  function waitFor(parcel: Parcel, weather: Weather): number {
    if (weather.kind === 'blackhole') return Number.POSITIVE_INFINITY
    if (weather.kind === 'one-way' && weather.lost === direction) return Number.POSITIVE_INFINITY
    if (weather.kind === 'delay') {
      const lateMs = weather.delayMs + Math.random() * weather.jitterMs
      dueMs = Math.max(dueMs, parcel.atMs + lateMs)
      return dueMs - performance.now()
    }
    return weather.kind === 'slow' ? dueMs - performance.now() : 0
  }

  function pass(bytes: Buffer | null): void {
    if (to.destroyed) return
    if (bytes === null) {
      to.end()
      return
    }
    const { weather } = link
    if (weather.kind === 'slow')
      dueMs = Math.max(dueMs, performance.now()) + (bytes.length * 1000) / weather.bytesPerSecond
    const leftBytes = weather.kind === 'torn' ? weather.afterBytes - link.passedBytes : bytes.length
    to.write(bytes.subarray(0, Math.max(0, leftBytes)))
    if (weather.kind !== 'torn') return
    link.passedBytes += bytes.length
    if (leftBytes < bytes.length) tear()
  }

  function tear(): void {
    // A turn later, so that the part that was let through leaves first.
    setImmediate(() => {
      from.resetAndDestroy()
      to.resetAndDestroy()
    })
  }

  from.on('data', take)
  from.on('end', () => take(null))
  from.on('close', () => {
    // A side that died without an end: the other learns of it when the weather lets it.
    if (!from.readableEnded) take(null)
  })
  return deliver
}
