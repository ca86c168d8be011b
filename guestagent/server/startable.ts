/* What keeps a redis-server from starting, found out before it is tried, so that the fault names the cause. */

import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { z } from 'zod'
import { isKind, RedtroveError } from '../../common/errors.js'
import { writeDurably } from '../../common/files/durable-file.js'
import type { Endpoint } from '../../domain/instance/endpoint.js'
import type { MemberRole } from '../../domain/instance/instance.js'
import { makeFolder } from '../paths.js'
import type { DataFiles } from '../redis/data-folder.js'

const ADDRESS_SENTENCES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another process; stop that one',
  EADDRNOTAVAIL: 'is not an address of this host',
  EACCES: 'may not be used by this user',
}

/** Fails with `guest_failed` when the address cannot be listened on now. */
export async function requireAddressFree({ host, port }: Endpoint): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const why = ADDRESS_SENTENCES[cause.code ?? ''] ?? `cannot be listened on: ${cause.message}`
      reject(new RedtroveError('guest_failed', `Address ${host}:${port} ${why}.`, { cause }))
    })
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()))
  })
}

/** Makes the data folder when there is none. Fails with `guest_failed` when the guest's folder is gone, or it may not be written. */
export function requireDataFolder(folder: string): void {
  try {
    makeFolder(folder)
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    if (isKind(cause)) throw cause
    const { code } = cause as NodeJS.ErrnoException // fs errors carry a code
    throw new RedtroveError('guest_failed', `The data folder ${folder} cannot be written (${code}).`, {
      cause,
    })
  }
}

/** What the marker beside the data folder remembers. */
const hadDataSchema = z.object({ keys: z.int().min(0) })

/** Notes how many keys there were, 0 for a server that serves; a later start out of an empty folder is then refused. */
export async function noteHadData(marker: string, keys: number): Promise<void> {
  await writeDurably(marker, JSON.stringify({ keys }))
}

/** Keys that were noted last; null when there never were any. A damaged marker counts as "there were". */
export function hadData(marker: string): number | null {
  if (!existsSync(marker)) return null
  try {
    return hadDataSchema.parse(JSON.parse(readFileSync(marker, 'utf8'))).keys
  } catch {
    return 0
  }
}

/** What decides whether, and out of what, a server may start. */
export interface StartFacts {
  readonly role: MemberRole
  readonly files: DataFiles
  readonly hadKeys: number | null
  /** The last stop was clean and its data lie in dump.rdb. */
  readonly startFromRdb: boolean
}

/**
 * Where the data come from at the start, or why there must be no start. Only a replica may start empty when it had data: it copies
 * its source. A source or an ejected instance that did would offer its replicas, or whoever looks for the data, nothing at all.
 */
export function startMode({
  role,
  files,
  hadKeys,
  startFromRdb,
}: StartFacts): 'append-only' | 'rdb' | { refused: string } {
  if (startFromRdb && files.rdb) return 'rdb'
  if (files.appendOnly) return 'append-only'
  if (role === 'replica' || hadKeys === null) return files.rdb ? 'rdb' : 'append-only'
  if (files.emptyAppendOnly && hadKeys === 0) return 'append-only'
  const had = hadKeys === 0 ? 'has served' : `had data (${hadKeys} keys when last counted)`
  const left = files.rdb ? 'only an older dump.rdb is left' : 'nothing is left'
  return {
    refused: `The data is gone: the instance ${had}, its append-only file is missing and ${left}. It is not started as a source; eject it, or put the files back.`,
  }
}
