/*
 * Data that cannot be loaded. A replica puts the files aside and copies its source; so does whoever never served anybody. Everybody else
 * is not started: less than was acknowledged would be served, and copied by those who follow.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { MemberRole } from '../../domain/instance/instance.js'
import type { Observation } from '../../domain/instance/observation.js'
import { damageOf, partsIn } from '../redis/append-only-folder.js'
import { dataFilesIn, dataPathsIn } from '../redis/data-folder.js'
import { halfWritten } from '../server/left-overs.js'

const ASIDE = 'damaged'

/** Where files that could not be loaded are kept until a whole copy is there. */
export function asideFolder(dataFolder: string): string {
  return join(dataFolder, ASIDE)
}

/** Whether whoever has this role may begin with nothing in place of files that cannot be loaded. */
export function mayBeginAnew({ role, hadKeys }: { role: MemberRole; hadKeys: number | null }): boolean {
  return role === 'replica' || hadKeys === null
}

/** Moves every file with data aside, in place of what was put aside before. May be repeated. */
export function putAside(dataFolder: string): void {
  const aside = asideFolder(dataFolder)
  const paths = dataPathsIn(dataFolder)
  if (paths.length === 0) return
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside, { mode: 0o700 })
  for (const path of paths) renameSync(join(dataFolder, path), join(aside, basename(path)))
}

/** What tells files that somebody repaired from those that could not be loaded: names, sizes and times. */
export function fingerprintOf(dataFolder: string): string {
  return JSON.stringify(
    dataPathsIn(dataFolder).map((path) => {
      const stat = statSync(join(dataFolder, path), { throwIfNoEntry: false })
      return [path, stat?.size, stat?.mtimeMs]
    }),
  )
}

/** Removes what was put aside as soon as a replica holds all of its source again, on disk too. To be called with each look. */
export function forgetAside(dataFolder: string): (seen: Observation) => void {
  return ({ role, link, persistenceOk }) => {
    if (role !== 'replica' || link !== 'up' || persistenceOk !== true) return
    if (!existsSync(asideFolder(dataFolder))) return
    const whole = dataFilesIn(dataFolder).appendOnly && damageOf(partsIn(dataFolder)) === null
    if (!whole || halfWritten(dataFolder).length > 0) return
    rmSync(asideFolder(dataFolder), { recursive: true, force: true })
  }
}

/** Names of what lies aside, for a log line. */
export function namesAside(dataFolder: string): readonly string[] {
  return existsSync(asideFolder(dataFolder)) ? readdirSync(asideFolder(dataFolder)) : []
}
