/*
 * All that comes before a start of redis-server: what is left of the one before, what stands in the way, and whether its files can be
 * loaded at all. Each obstacle is an error whose sentence is the instance's fault.
 */
import type { AgentSeed } from '../common/contracts/agent-seed.js'
import { RedtroveError } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import type { AcceptedState } from './accepted.js'
import { fingerprintOf, mayBeginAnew, namesAside, putAside } from './damaged-files.js'
import type { GuestPaths } from './paths.js'
import { damageOf, partsIn } from './redis/append-only-folder.js'
import type { Capabilities } from './redis/capabilities.js'
import { dataFilesIn } from './redis/data-folder.js'
import { clearLeftOvers } from './redis/left-overs.js'
import { loadFailureIn } from './redis/load-failure.js'
import { hadData, requireAddressFree, requireDataFolder, startMode } from './redis/startable.js'

/** Whose server is started. */
export interface StartCheckOptions {
  readonly seed: AgentSeed
  readonly paths: GuestPaths
  readonly accepted: AcceptedState
  readonly log: Logger
}

/** What must hold before each start of one server. */
export interface StartCheck {
  /** Says out of which files it starts. Fails with `guest_failed` when it must not, or cannot. */
  prepare(can: Capabilities): Promise<'append-only' | 'rdb'>
  /** A server ended with this log since its start: remembers whether its files were the cause, until they are others. */
  noteEnd(log: string): void
}

/** A check that remembers files which a server could not load. */
export function startCheck({ seed, paths, accepted, log }: StartCheckOptions): StartCheck {
  let unloadable: { readonly why: string; readonly files: string } | null = null

  function damage(can: Capabilities, fromRdb: boolean): string | null {
    if (unloadable && unloadable.files !== fingerprintOf(paths.data)) unloadable = null
    if (unloadable) return unloadable.why
    return can.aofFolder && !fromRdb ? damageOf(partsIn(paths.data)) : null
  }

  async function prepare(can: Capabilities): Promise<'append-only' | 'rdb'> {
    requireDataFolder(paths.data)
    const ended = await clearLeftOvers(paths.data)
    if (ended > 0) log.warn({ ended }, 'children of the redis-server before were ended')
    await requireAddressFree(seed.spec.endpoint)
    const { assignment, startFromRdb } = accepted.current()
    const { role } = assignment
    const hadKeys = hadData(paths.hadData)
    const fromRdb = startFromRdb && can.resumesFromRdb
    const why = damage(can, fromRdb && dataFilesIn(paths.data).rdb)
    if (why !== null) {
      if (!mayBeginAnew({ role, hadKeys })) throw new RedtroveError('guest_failed', damagedSentence(why))
      putAside(paths.data)
      unloadable = null
      log.warn({ why, files: namesAside(paths.data) }, 'damaged files were put aside; all is copied again')
    }
    const mode = startMode({ role, files: dataFilesIn(paths.data), hadKeys, startFromRdb: fromRdb })
    if (typeof mode === 'object') throw new RedtroveError('guest_failed', mode.refused)
    return mode
  }

  return {
    prepare,
    noteEnd: (words) => {
      const why = loadFailureIn(words)
      if (why !== null) unloadable = { why, files: fingerprintOf(paths.data) }
    },
  }
}

function damagedSentence(why: string): string {
  return `Its data cannot be loaded: ${why}. It is not started, because a part of what was acknowledged would be missing. If it has replicas, eject it: they hold the data.`
}
