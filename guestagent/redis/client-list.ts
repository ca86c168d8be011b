import { AGENT_USER, REPLICATION_USER } from './acl.js'

/** Connections beyond the flavor's number that a server takes: for its agent, its replicas, and what comes in between two looks. */
export const RESERVED_CONNECTIONS = 64

/** How many connections a server that takes `clientsMax` may hold before the reserve is eaten; a quarter of few connections is reserve enough. */
export function connectionsFor(clientsMax: number): number {
  return clientsMax - Math.min(RESERVED_CONNECTIONS, Math.floor(clientsMax / 4))
}

interface Connection {
  readonly id: number
  /** It never said a word: whoever logs in has. */
  readonly silent: boolean
}

/**
 * Ids of `count` connections to close, out of the text of CLIENT LIST: first those that never said a word, the longest so first, since
 * a client that has just come will speak at once; then the newest. Never those of an agent, of replicas, or to a source.
 */
export function connectionsToClose(list: string, count: number): readonly number[] {
  const all = list
    .split('\n')
    .map(connectionOf)
    .filter((found) => found !== null)
  const silent = all.filter((one) => one.silent).toSorted((a, b) => a.id - b.id)
  const others = all.filter((one) => !one.silent).toSorted((a, b) => b.id - a.id)
  return [...silent, ...others].slice(0, Math.max(0, count)).map(({ id }) => id)
}

/** `id=3 addr=127.0.0.1:40000 … age=2 … flags=N … cmd=NULL user=default …`; null for one that is never closed. */
function connectionOf(line: string): Connection | null {
  const fields = new Map(
    line
      .trim()
      .split(' ')
      .map((part) => {
        const equals = part.indexOf('=')
        return [part.slice(0, Math.max(0, equals)), part.slice(equals + 1)] as const
      }),
  )
  const id = Number(fields.get('id'))
  const user = fields.get('user')
  const local = (fields.get('addr') ?? '').startsWith('/') || /[SMU]/.test(fields.get('flags') ?? '')
  const command = fields.get('cmd') ?? ''
  const replicating = /^(?:psync|sync|replconf)/i.test(command) || user === REPLICATION_USER
  if (!Number.isSafeInteger(id) || id < 1 || local || replicating || user === AGENT_USER) return null
  return { id, silent: command === 'NULL' }
}
