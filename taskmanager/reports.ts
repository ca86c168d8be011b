import type { Clock } from '../common/clock.js'
import type { Report } from '../common/contracts/taskmanager.js'
import type { ObservationStore } from '../common/db/store.js'
import { messageOf } from '../common/errors.js'
import type { Logger } from '../common/log.js'

const BATCH_MS = 200
/** While the database is away, the newest report of this many instances is kept; further ones are dropped. */
const KEPT_MAX = 50_000

/** The intake of the guests’ reports. */
export interface Reports {
  take(report: Report): void
  /** Writes what is left. */
  stop(): Promise<void>
}

/** Writes the guests' reports, all of a fifth of a second in one transaction; of each instance only the newest matters. */
export function startReports(
  observations: Pick<ObservationStore, 'save'>,
  clock: Clock,
  log: Logger,
): Reports {
  const stopped = new AbortController()
  let batch = new Map<string, Report>()

  const flush = async () => {
    if (batch.size === 0) return
    const reports = batch
    batch = new Map()
    try {
      await observations.save([...reports.values()], clock.now())
    } catch (error) {
      log.warn({ reports: reports.size, reason: messageOf(error) }, 'reports not stored yet')
      batch = new Map([...reports, ...batch])
    }
  }
  const loop = async () => {
    while (!stopped.signal.aborted) {
      await clock.sleep(BATCH_MS, stopped.signal).catch(() => {})
      await flush()
    }
  }
  const ended = loop()
  return {
    take(report) {
      const known = batch.get(report.instanceId)
      if (known && known.bootId === report.bootId && known.seq >= report.seq) return
      if (known || batch.size < KEPT_MAX) batch.set(report.instanceId, report)
    },
    stop: async () => {
      stopped.abort()
      await ended
    },
  }
}
