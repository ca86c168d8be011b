import { systemClock } from '../common/clock.js'
import { messageOf } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import { repeat } from '../common/repeat.js'

/** A guest that nobody else starts again is down for this long at most. */
const WATCH_MS = 2_000

/** What a watch looks for and does. */
export interface GuestWatchParts {
  /** Ids of guests that are not as they should be, or may not be. */
  readonly wrong: () => Promise<readonly string[]>
  /** Brings one where it should be; may be repeated. */
  readonly settle: (id: string) => Promise<void>
  /** What is left to do besides, if anything. */
  readonly tidy?: () => Promise<void>
  readonly log: Logger
}

/** Looks at all guests every other second; those that are as they should be are left alone. */
export interface GuestWatch {
  /** Once, now. Fails with `unavailable` when the engine does not answer; a guest that cannot be settled keeps nobody waiting but is tried again. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

/** Opens it, without a look. */
export function openGuestWatch({ wrong, settle, tidy, log }: GuestWatchParts): GuestWatch {
  let stop: (() => Promise<void>) | null = null
  let ended = false

  async function look(): Promise<void> {
    const acts = (await wrong()).map((id) =>
      settle(id).catch((error: unknown) =>
        log.error({ instanceId: id, reason: messageOf(error) }, 'guest not settled'),
      ),
    )
    await Promise.all([...acts, tidy?.()])
  }

  function watch(): () => Promise<void> {
    return repeat(look, {
      pauseMs: WATCH_MS,
      pauseFirst: true,
      clock: systemClock,
      // An engine that is away has no guests to settle; its return is seen by the next look.
      onFailure: (error) => log.warn({ reason: messageOf(error) }, 'no look at guests'),
    })
  }

  return {
    look,
    start: () => {
      if (!ended) stop ??= watch()
    },
    stop: async () => {
      ended = true
      await stop?.()
    },
  }
}
