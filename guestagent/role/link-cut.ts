import type { Clock } from '../../common/clock.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { Serial } from '../../common/serial.js'
import { waitUntil } from '../../common/wait-until.js'
import type { Observation } from '../../domain/instance/observation.js'
import type { Observer } from '../observe/observer.js'
import type { ManagedServer } from '../server/server.js'
import type { RoleActs } from './acts.js'

const LOOK_MS_MAX = 3_500
/** An operation that cuts the link goes on with `assume` long before this; one that died must not leave the replica alone for ever. */
const CUT_MS_MAX = 20_000

/** The replica whose link is cut, and the line of those who change it. */
export interface LinkCutterOptions {
  readonly server: ManagedServer
  readonly acts: RoleActs
  readonly observer: Observer
  readonly control: Serial
  readonly clock: Clock
  readonly log: Logger
}

/** Cuts the link of one replica. */
export interface LinkCutter {
  /** Resolves with a look that shows the link down. On a source there is nothing to cut. */
  cut(): Promise<Observation>
  close(): void
}

/**
 * Cuts a replica's link and keeps it cut: Redis connects again at once, so a source that still lives would go on sending. A wrong
 * password at run time prevents it; the right one is on disk and comes back with the next `assume`, or after 20 s by itself.
 */
export function linkCutter({ server, acts, observer, control, clock, log }: LinkCutterOptions): LinkCutter {
  let uncut: NodeJS.Timeout | undefined

  async function restore(): Promise<void> {
    acts.joinLink()
    if (server.state() !== 'up') return
    await acts.applyPasswords(await server.admin())
  }

  return {
    close: () => clearTimeout(uncut),
    cut: async () => {
      const admin = await server.admin()
      if ((await admin.role()).role !== 'replica') return observer.look()
      await acts.cutLink(admin)
      clearTimeout(uncut)
      uncut = setTimeout(() => {
        control(restore).catch((error: unknown) =>
          log.warn({ reason: messageOf(error) }, 'link to the source stays cut'),
        )
      }, CUT_MS_MAX)
      uncut.unref()
      return waitUntil('the link to the source is down', observer.look, ({ link }) => link !== 'up', {
        timeoutMs: LOOK_MS_MAX,
        pollMs: 5,
        clock,
      })
    },
  }
}
