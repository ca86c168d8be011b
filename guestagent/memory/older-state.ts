/*
 * What a source whose data cannot be loaded can offer: a state from before the damage. It is never taken unasked, since everything that
 * was acknowledged later is lost with it.
 */
import { copyFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  APPEND_ONLY_FOLDER,
  damageOf,
  MANIFEST,
  parseManifest,
  partsIn,
} from '../redis/append-only-folder.js'
import type { Capabilities } from '../redis/capabilities.js'
import { checkAppendOnly, isWholeRdb } from '../redis/check-files.js'
import { asideFolder, putAside } from './damaged-files.js'

/** An older state: what it is, for a sentence, and the act that puts it in place of the damaged files, which are kept aside. */
export interface OlderState {
  readonly what: string
  /** What the next start loads once `take` is done. */
  readonly from: 'append-only' | 'rdb'
  take(): Promise<void>
}

/** The newest older state that these files hold; null when there is none. Reads them whole. */
export async function olderState(place: Place): Promise<OlderState | null> {
  return (await wholeAppendOnly(place)) ?? (await earlierDump(place))
}

/** Where to look, and by which program. `fromRdb`: the start was to be out of dump.rdb, and that is what is damaged. */
interface Place {
  readonly dataFolder: string
  readonly program: string
  readonly can: Capabilities
  readonly fromRdb: boolean
}

async function wholeAppendOnly({ dataFolder, program, can, fromRdb }: Place): Promise<OlderState | null> {
  const folder = can.aofFolder ? join(dataFolder, APPEND_ONLY_FOLDER) : dataFolder
  const last = can.aofFolder ? lastPart(dataFolder) : 'appendonly.aof'
  if (last === null) return null
  const checked = await checkAppendOnly(program, join(folder, can.aofFolder ? MANIFEST : last))
  const part = checked.find(({ bytes, wholeBytes }) => wholeBytes < bytes)
  if (checked.length > 0 && !part && fromRdb) return insteadOfDump(dataFolder, join(folder, last))
  // Only the end of the last part can be cut off: what comes after a hole does not follow from what comes before.
  if (!part || part.wholeBytes === 0 || ![last, ''].includes(part.name)) return null
  return {
    what: `${last} up to byte ${part.wholeBytes} of ${part.bytes}`,
    from: 'append-only',
    take: async () => {
      copyFileSync(join(folder, last), join(keepAside(dataFolder), last))
      const file = await open(join(folder, last), 'r+')
      try {
        await file.truncate(part.wholeBytes)
        await file.sync()
      } finally {
        await file.close()
      }
    },
  }
}

/** The last increment, when nothing else is wrong with the folder. */
function lastPart(dataFolder: string): string | null {
  const parts = partsIn(dataFolder)
  if (parts.manifest === null || damageOf(parts) !== null) return null
  return parseManifest(parts.manifest)?.increments.at(-1) ?? null
}

/** What a clean stop left in the append-only file beside its dump.rdb. */
function insteadOfDump(dataFolder: string, last: string): OlderState {
  return {
    what: `the append-only file of ${statSync(last).mtime.toISOString()}`,
    from: 'append-only',
    take: async () => {
      const aside = keepAside(dataFolder)
      renameSync(join(dataFolder, 'dump.rdb'), join(aside, 'dump.rdb'))
    },
  }
}

async function earlierDump({ dataFolder, program, can, fromRdb }: Place): Promise<OlderState | null> {
  if (fromRdb) return null
  const dump = join(dataFolder, 'dump.rdb')
  const stat = statSync(dump, { throwIfNoEntry: false })
  if (!can.resumesFromRdb || !stat || !(await isWholeRdb(program, dump))) return null
  return {
    what: `dump.rdb of ${stat.mtime.toISOString()}`,
    from: 'rdb',
    take: async () => {
      putAside(dataFolder)
      renameSync(join(asideFolder(dataFolder), 'dump.rdb'), dump)
    },
  }
}

/** The folder for damaged files, emptied of what was put aside before. */
function keepAside(dataFolder: string): string {
  const aside = asideFolder(dataFolder)
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside, { mode: 0o700 })
  return aside
}
