import { createHash } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type ErrorKind, RedtroveError } from '../errors.js'

const PREFIX = 'redtrove-'

/**
 * Where the unix socket of a folder lies when its path would be too long for Linux: a folder of its own in the system's temporary folder,
 * the same at every start.
 */
export function farFolder(dir: string): string {
  return join(tmpdir(), `${PREFIX}${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`)
}

/**
 * Fails (as `kind`) when a socket lies in a far folder that is not this user's alone: anybody can make one of that name first, and would
 * be spoken to, or overheard. To be called by who listens and by who connects. A folder that is not there yet is nobody's.
 */
export function requireOwnSocketFolder(socket: string, kind: ErrorKind): void {
  const folder = dirname(socket)
  if (dirname(folder) !== join(tmpdir()) || !basename(folder).startsWith(PREFIX)) return
  const stat = lstatSync(folder, { throwIfNoEntry: false })
  if (!stat) return
  if (stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0) return
  throw new RedtroveError(
    kind,
    `The folder ${folder} is not this user's alone, so the socket in it cannot be trusted. Remove the folder, or use a state directory with a shorter path.`,
  )
}
