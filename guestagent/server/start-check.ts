/*
 * All that comes before a start of redis-server: what is left of the one before, what stands in the way, and whether its files can be
 * loaded at all. Each obstacle is an error whose sentence is the instance's fault.
 */

import { RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { AgentSeed } from '../../wire/agent/seed.js'
import type { AcceptedState } from '../memory/accepted.js'
import { fingerprintOf, mayBeginAnew, namesAside, putAside } from '../memory/damaged-files.js'
import { type OlderState, olderState } from '../memory/older-state.js'
import type { GuestPaths } from '../paths.js'
import { damageOf, partsIn } from '../redis/append-only-folder.js'
import type { Capabilities } from '../redis/capabilities.js'
import { dataFilesIn } from '../redis/data-folder.js'
import { loadFailureIn } from '../redis/load-failure.js'
import { clearLeftOvers } from './left-overs.js'
import { hadData, requireAddressFree, requireDataFolder, startMode } from './startable.js'

/** Whose server is started. */
export interface StartCheckOptions {
  readonly seed: AgentSeed
  readonly paths: GuestPaths
  readonly accepted: AcceptedState
  readonly log: Logger
}

/** What must hold before each start of one server. */
export interface StartCheck {
  /**
   * Says out of which files it starts. Fails with `guest_failed` when it must not, or cannot. With consent a source that cannot load its
   * data starts with an older state, if there is one.
   */
  prepare(can: Capabilities): Promise<'append-only' | 'rdb'>
  /** A server ended with this log since its start: remembers whether its files were the cause, until they are others. */
  noteEnd(log: string): void
  /** Whether an older state may be put in place of data that cannot be loaded, until it is said otherwise. */
  consent(given: boolean): void
  /** The last start was refused because its data cannot be loaded. */
  readonly isDamaged: () => boolean
}

/** A check that remembers files which a server could not load. */
export function startCheck({ seed, paths, accepted, log }: StartCheckOptions): StartCheck {
  let unloadable: { readonly why: string; readonly files: string } | null = null
  let offered: { readonly files: string; readonly state: OlderState | null } | null = null
  let consented = false
  let damaged = false

  const fromRdb = (can: Capabilities) => accepted.current().startFromRdb && can.resumesFromRdb

  function damage(can: Capabilities, loadsDump: boolean): string | null {
    if (unloadable && unloadable.files !== fingerprintOf(paths.data)) unloadable = null
    if (unloadable) return unloadable.why
    return can.aofFolder && !loadsDump ? damageOf(partsIn(paths.data)) : null
  }

  /** Files are read whole for it, so once for each damage. */
  async function offer(can: Capabilities): Promise<OlderState | null> {
    const files = fingerprintOf(paths.data)
    if (offered?.files !== files)
      offered = {
        files,
        state: await olderState({
          dataFolder: paths.data,
          program: seed.redisServer,
          can,
          fromRdb: fromRdb(can),
        }),
      }
    return offered.state
  }

  async function takeOlderState(why: string, can: Capabilities): Promise<void> {
    const older = await offer(can)
    damaged = !(older && consented)
    if (!older || !consented) throw new RedtroveError('guest_failed', damagedSentence(why, older))
    await older.take()
    await accepted.update({ startFromRdb: older.from === 'rdb' })
    log.warn({ why, from: older.what }, 'an older state was put in place of damaged data, as ordered')
  }

  async function prepare(can: Capabilities): Promise<'append-only' | 'rdb'> {
    requireDataFolder(paths.data)
    const ended = await clearLeftOvers(paths.data)
    if (ended > 0) log.warn({ ended }, 'children of the redis-server before were ended')
    await requireAddressFree(seed.spec.endpoint)
    const { role } = accepted.current().assignment
    const hadKeys = hadData(paths.hadData)
    const why = damage(can, fromRdb(can) && dataFilesIn(paths.data).rdb)
    damaged = false
    if (why !== null && mayBeginAnew({ role, hadKeys })) {
      putAside(paths.data)
      log.warn({ why, files: namesAside(paths.data) }, 'damaged files were put aside; all is copied again')
    } else if (why !== null) await takeOlderState(why, can)
    unloadable = null
    const mode = startMode({ role, files: dataFilesIn(paths.data), hadKeys, startFromRdb: fromRdb(can) })
    if (typeof mode === 'object') throw new RedtroveError('guest_failed', mode.refused)
    return mode
  }

  return {
    prepare,
    consent: (given) => {
      consented = given
    },
    isDamaged: () => damaged,
    noteEnd: (words) => {
      const why = loadFailureIn(words)
      if (why !== null) unloadable = { why, files: fingerprintOf(paths.data) }
    },
  }
}

function damagedSentence(why: string, older: OlderState | null): string {
  const state = `Its data cannot be loaded: ${why}. It is not started, because a part of what was acknowledged would be missing.`
  const alone = older
    ? `else restart it with accept_older_data: it starts with ${older.what}, and all that came later is lost.`
    : 'else delete it: no older state of its data can be loaded either.'
  return `${state} If it has replicas, eject it: they hold the data; ${alone}`
}
