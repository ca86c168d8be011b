import { systemClock } from '../../common/clock.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'

const WATCH_MS = 2_000

/** What a watch looks for and does. */
export interface SwarmWatchParts {
  /** Ids of guests that are not as they should be. */
  readonly wrong: () => Promise<readonly string[]>
  /** Brings one where it should be; may be repeated. */
  readonly settle: (id: string) => Promise<void>
  readonly tidy: () => Promise<void>
  readonly log: Logger
}

/** Looks at all guests every other second; those that are as they should be are left alone. */
export interface SwarmWatch {
  /** Once, now. Fails with `unavailable` when no manager answers; a guest that cannot be settled keeps nobody waiting but is tried again. */
  look(): Promise<void>
  start(): void
  stop(): Promise<void>
}

/** Opens it, without a look. */
export function openSwarmWatch({ wrong, settle, tidy, log }: SwarmWatchParts): SwarmWatch {
  const stopping = new AbortController()
  let watching: Promise<void> | null = null

  async function look(): Promise<void> {
    const acts = (await wrong()).map((id) =>
      settle(id).catch((error: unknown) =>
        log.error({ instanceId: id, reason: messageOf(error) }, 'guest not settled'),
      ),
    )
    await Promise.all([...acts, tidy()])
  }

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      await systemClock.sleep(WATCH_MS, stopping.signal).catch(() => undefined)
      if (stopping.signal.aborted) return
      await look().catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'no look at guests'))
    }
  }

  return {
    look,
    start: () => {
      watching ??= watch()
    },
    stop: async () => {
      stopping.abort()
      await watching
    },
  }
}
