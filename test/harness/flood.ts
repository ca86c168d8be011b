/* Connections that say nothing and give no password, as anybody who reaches a port can open. */

import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../../domain/instance/endpoint.js'

export interface Flood {
  /** Connections that are open now and were not turned away. */
  open(): number
  /** How many were turned away, or closed, so far. */
  closed(): number
  end(): void
}

/** So many of them try as fast as they can when they are turned away; the others as clients do that wait a little. */
const GREEDY = 40
const GREEDY_MS = 5
const PATIENT_MS = 250

/** Keeps `count` connections open, or trying: one that is closed comes again, unless it is not `again`. */
export function flood(endpoint: Endpoint, count: number, { again }: { readonly again: boolean }): Flood {
  const sockets = new Set<Socket>()
  let [ended, closed] = [false, 0]
  const begin = (againMs: number) => {
    if (ended) return
    const socket = connect(endpoint)
    socket.on('connect', () => sockets.add(socket))
    socket.on('data', () => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (sockets.delete(socket)) closed += 1
      // More that try without a pause would keep everybody else of this process from their turn, the agent among them.
      if (again) setTimeout(begin, againMs, againMs)
    })
  }
  for (let n = 0; n < count; n++) begin(n < GREEDY ? GREEDY_MS : PATIENT_MS)
  return {
    open: () => sockets.size,
    closed: () => closed,
    end: () => {
      ended = true
      for (const socket of sockets) socket.destroy()
    },
  }
}
