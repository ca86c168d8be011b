import { readdirSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'

const APPEND_ONLY = /^(?:appendonlydir\/)?appendonly\.aof(?:\.\d+\.(?:base|incr)\.(?:rdb|aof))?$/
const MANIFEST = 'appendonlydir/appendonly.aof.manifest'

/** What lies in a data folder, as far as a start must know. */
export interface DataFiles {
  /** An append-only file with anything in it. */
  readonly appendOnly: boolean
  /** One with nothing in it: before version 7 a server that took no write yet has that. */
  readonly emptyAppendOnly: boolean
  /** A dump.rdb with anything in it. */
  readonly rdb: boolean
}

/** Looks at a data folder; a missing one is an empty one. */
export function dataFilesIn(folder: string): DataFiles {
  const files = listFiles(folder)
  const appendOnly = files.filter(({ path }) => APPEND_ONLY.test(path))
  return {
    appendOnly: appendOnly.some(({ bytes }) => bytes > 0),
    emptyAppendOnly: appendOnly.some(({ bytes }) => bytes === 0),
    rdb: files.some(({ path, bytes }) => bytes > 0 && path === 'dump.rdb'),
  }
}

/** Paths, in the folder, of all files that a server loads, the manifest too. */
export function dataPathsIn(folder: string): readonly string[] {
  return listFiles(folder)
    .map(({ path }) => path)
    .filter((path) => APPEND_ONLY.test(path) || path === MANIFEST || path === 'dump.rdb')
}

/** Bytes of all files of a data folder, and bytes free to its owner on that file system; null where it cannot be told. */
export async function diskUse(
  folder: string,
): Promise<{ readonly usedBytes: number | null; readonly freeBytes: number | null }> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return {
      usedBytes: listFiles(folder).reduce((sum, { bytes }) => sum + bytes, 0),
      freeBytes: bavail * bsize,
    }
  } catch {
    return { usedBytes: null, freeBytes: null }
  }
}

/** Files of the folder and of the folders right in it; redis-server nests no deeper. */
function listFiles(folder: string, depth = 1): readonly { path: string; bytes: number }[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (depth === 0) return []
        return listFiles(path, depth - 1).map((file) => ({ ...file, path: `${entry.name}/${file.path}` }))
      }
      return [{ path: entry.name, bytes: statSync(path, { throwIfNoEntry: false })?.size ?? 0 }]
    })
  } catch {
    return []
  }
}
