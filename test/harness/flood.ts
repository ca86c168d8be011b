/* Connections that say nothing and give no password, as anybody who reaches a port can open. */
import { connect, type Socket } from 'node:net'
import type { Endpoint } from '../../common/domain/instance.js'

export interface Flood {
  /** Connections that are open now and were not turned away. */
  open(): number
  /** How many were turned away, or closed, so far. */
  closed(): number
  end(): void
}

/** Keeps `count` connections open, or trying: one that is closed comes again at once, unless it is not `again`. */
export function flood(endpoint: Endpoint, count: number, { again }: { readonly again: boolean }): Flood {
  const sockets = new Set<Socket>()
  let [ended, closed] = [false, 0]
  const begin = () => {
    if (ended) return
    const socket = connect(endpoint)
    socket.on('connect', () => sockets.add(socket))
    socket.on('data', () => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (sockets.delete(socket)) closed += 1
      // Not within this turn: connections that are refused at once would keep everybody else of this process from their turn.
      if (again) setTimeout(begin, 5)
    })
  }
  for (let n = 0; n < count; n++) begin()
  return {
    open: () => sockets.size,
    closed: () => closed,
    end: () => {
      ended = true
      for (const socket of sockets) socket.destroy()
    },
  }
}
