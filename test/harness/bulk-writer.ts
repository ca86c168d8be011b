/* Many SETs over one bare connection, as fast as a server takes them; every answer is counted. */

import { connect } from 'node:net'
import type { Endpoint } from '../../domain/instance/endpoint.js'

/** SETs on their way at once. */
const BATCH = 500

export interface Written {
  readonly accepted: number
  /** Refusals by their first word, as OOM. */
  readonly refused: Readonly<Record<string, number>>
}

/** Which keys, how long their values, and a letter that tells one round's values from another's. */
export interface Bulk {
  readonly from: number
  readonly to: number
  readonly valueBytes: number
  readonly letter: string
}

/** Sets `bulk:FROM` to `bulk:TO-1`; each batch is sent when the one before was answered. */
export async function writeBulk(endpoint: Endpoint, password: string, bulk: Bulk): Promise<Written> {
  const socket = connect(endpoint)
  const refused: Record<string, number> = {}
  let [accepted, next, awaited, rest] = [0, bulk.from, 1, '']
  const value = bulk.letter.repeat(bulk.valueBytes)
  const sendBatch = () => {
    const to = Math.min(bulk.to, next + BATCH)
    const sets: string[] = []
    for (let key = next; key < to; key += 1) sets.push(commandOf('SET', `bulk:${key}`, value))
    awaited = to - next
    next = to
    socket.write(sets.join(''))
  }
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('close', () => reject(new Error(`the server hung up after ${accepted} writes: ${rest}`)))
      socket.on('data', (chunk) => {
        const lines = `${rest}${chunk.toString('latin1')}`.split('\r\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          if (line === '+OK') accepted += 1
          else
            refused[line.slice(1).split(' ')[0] ?? ''] = (refused[line.slice(1).split(' ')[0] ?? ''] ?? 0) + 1
        }
        awaited -= lines.length
        if (awaited > 0) return
        if (next < bulk.to) sendBatch()
        else resolve()
      })
      socket.write(commandOf('AUTH', password))
    })
  } finally {
    socket.destroy()
  }
  return { accepted: accepted - 1, refused }
}

function commandOf(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}
