/*
 * What a redis-server that was killed leaves behind: its children (a save, a rewrite of the append-only file, a debugger's copy) go on
 * without it, keep its clients' connections open, and one that saves would put its older dump.rdb in place of the next server's.
 */
import { existsSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  identify,
  isAlive,
  type ProcessIdentity,
  sessionOf,
  workingFolderOf,
} from '../../common/processes/process-identity.js'
import { waitUntil } from '../../common/wait-until.js'
import { APPEND_ONLY_FOLDER } from '../redis/append-only-folder.js'

const GONE_MS_MAX = 5_000

/** All processes that work in this folder; empty when there is no such folder. */
export function processesIn(folder: string): readonly ProcessIdentity[] {
  const real = realFolder(folder)
  if (real === null) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && workingFolderOf(Number(name)) === real)
    .map((name) => identify(Number(name)))
    .filter((found) => found !== null)
}

/**
 * Ends the children of servers of this folder that are gone, and removes what they, or the servers, wrote by halves. To be called while
 * no server runs. Each server leads a session of its own, so a child is known by a session whose leader is gone. Resolves with how
 * many were ended. Fails with `guest_timeout` when one does not go.
 */
export async function clearLeftOvers(folder: string): Promise<number> {
  const left = processesIn(folder).filter(({ pid }) => isOrphan(pid))
  for (const child of left) if (isAlive(child)) process.kill(child.pid, 'SIGKILL')
  await waitUntil(
    'the children of the redis-server before are gone',
    () => left.filter(isAlive),
    (alive) => alive.length === 0,
    { timeoutMs: GONE_MS_MAX, pollMs: 5, describe: (alive) => alive.map(({ pid }) => pid).join(', ') },
  )
  for (const name of halfWritten(folder)) rmSync(join(folder, name), { force: true })
  return left.length
}

function isOrphan(pid: number): boolean {
  const session = sessionOf(pid)
  return session !== null && session !== pid && identify(session) === null
}

/** Files of saves, rewrites and copies, which are written to `temp-…` and renamed when they are whole; paths in `folder`. */
export function halfWritten(folder: string): readonly string[] {
  const parts = join(folder, APPEND_ONLY_FOLDER)
  return [
    ...readdirSync(folder).filter((name) => /^temp-.*\.(?:rdb|aof)$/.test(name)),
    ...(existsSync(parts) ? readdirSync(parts) : [])
      .filter((name) => name.startsWith('temp-'))
      .map((name) => join(APPEND_ONLY_FOLDER, name)),
  ]
}

function realFolder(folder: string): string | null {
  try {
    return realpathSync(folder)
  } catch {
    return null
  }
}
