/*
 * The append-only file as a folder of parts, as version 7 keeps it: a base, increments that come after it, and a manifest that names
 * both. redis-server starts with whatever the manifest names, and with nothing when there is no manifest, whatever else lies there.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Where the parts lie, in the data folder. */
export const APPEND_ONLY_FOLDER = 'appendonlydir'
/** Names the parts. */
export const MANIFEST = 'appendonly.aof.manifest'
const PART = /^appendonly\.aof(?:\.(\d+)\.(base|incr)\.(?:rdb|aof))?$/

/** What lies in the folder of parts. */
export interface Parts {
  /** Text of the manifest; null when there is none. */
  readonly manifest: string | null
  /** Bytes by name of file. */
  readonly files: ReadonlyMap<string, number>
}

/** Looks into the folder of parts of this data folder; a missing one is an empty one. */
export function partsIn(dataFolder: string): Parts {
  const folder = join(dataFolder, APPEND_ONLY_FOLDER)
  const names = readNames(folder)
  return {
    manifest: names.includes(MANIFEST) ? readFileSync(join(folder, MANIFEST), 'utf8') : null,
    files: new Map(
      names
        .filter((name) => PART.test(name))
        .map((name) => [name, statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0]),
    ),
  }
}

/** The files that a manifest names. */
export interface Manifest {
  readonly base: string | null
  /** In the order in which they are loaded. */
  readonly increments: readonly string[]
}

/** Reads `file NAME seq NUMBER type b|h|i` lines; null when the text is not a manifest. */
export function parseManifest(text: string): Manifest | null {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const found = lines.map((line) => /^file (\S+) seq \d+ type ([bhi])(?: \S+ \S+)*$/.exec(line))
  if (lines.length === 0 || !text.endsWith('\n') || found.includes(null)) return null
  const named = (type: string) => found.filter((line) => line?.[2] === type).map((line) => line?.[1] ?? '')
  return { base: named('b')[0] ?? null, increments: named('i') }
}

/**
 * What is missing or damaged, as far as names and sizes tell, as a sentence; null when nothing is seen. These are what redis-server would not
 * notice, or says only as it ends: it starts empty without a manifest, with an empty base, or with those increments alone that a
 * manifest which was cut still names.
 */
export function damageOf({ manifest, files }: Parts): string | null {
  const withBytes = [...files].filter(([, bytes]) => bytes > 0).map(([name]) => name)
  if (manifest === null) {
    return withBytes.length === 0 ? null : `${MANIFEST} is missing`
  }
  const named = parseManifest(manifest)
  if (named === null) return `${MANIFEST} is damaged`
  const all = [...(named.base === null ? [] : [named.base]), ...named.increments]
  const missing = all.find((name) => !files.has(name))
  if (missing !== undefined) return `${missing} is missing`
  if (named.base?.endsWith('.rdb') && files.get(named.base) === 0) return `${named.base} is empty`
  // A rewrite that was interrupted leaves a base that nobody names, and increments before the base; never a later increment with anything in it.
  const last = Math.max(0, ...named.increments.map(numberOf))
  const later = withBytes.find((name) => name.includes('.incr.') && numberOf(name) > last)
  return later === undefined ? null : `${MANIFEST} is damaged: ${later} is not named in it`
}

function numberOf(name: string): number {
  return Number(PART.exec(name)?.[1] ?? 0)
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
