import type { Clock } from '../../common/clock.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { repeat } from '../../common/repeat.js'
import type { Store } from '../../store/store.js'

const LOOK_MS = 600_000
const DAY_MS = 86_400_000

/** Whose history, and for how long it is kept. */
export interface HistoryParts {
  readonly store: Pick<Store, 'history'>
  readonly historyDays: number
  readonly clock: Clock
  readonly log: Logger
}

/** Forgets what ended longer ago than `historyDays`, at once and every ten minutes. Any number of task managers may. Returns the way to stop it. */
export function startForgetting({ store, historyDays, clock, log }: HistoryParts): () => Promise<void> {
  const look = async () => {
    const forgotten = await store.history.forget(historyDays * DAY_MS)
    if (Object.values(forgotten).some((count) => count > 0)) log.info({ forgotten }, 'old history forgotten')
  }
  return repeat(look, {
    pauseMs: LOOK_MS,
    clock,
    onFailure: (error) => log.debug({ reason: messageOf(error) }, 'no look at the history'),
  })
}
