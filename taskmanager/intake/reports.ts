import type { Clock } from '../../common/clock.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { repeat } from '../../common/repeat.js'
import type { Report } from '../../domain/instance/report.js'
import type { ObservationStore } from '../../store/store.js'

const BATCH_MS = 200
/** While the database is away, the newest reports of this many boots are kept; further ones are dropped. */
const KEPT_MAX = 50_000

/** The intake of the guests’ reports. */
export interface Reports {
  take(report: Report): void
  /** Writes what is left. */
  stop(): Promise<void>
}

interface Taken {
  readonly report: Report
  readonly takenMs: number
}

/**
 * Writes the guests' reports, all of a fifth of a second in one transaction; of each boot of an agent only the newest matters. One that
 * had to wait for the database is stored as old as it is.
 */
export function startReports(
  observations: Pick<ObservationStore, 'save'>,
  clock: Clock,
  log: Logger,
): Reports {
  let batch = new Map<string, Taken>()

  const flush = async () => {
    if (batch.size === 0) return
    const taken = batch
    batch = new Map()
    const nowMs = clock.monotonicMs()
    try {
      await observations.save(
        [...taken.values()].map(({ report, takenMs }) => ({ ...report, agoMs: nowMs - takenMs })),
      )
    } catch (error) {
      log.warn({ reports: taken.size, reason: messageOf(error) }, 'reports not stored yet')
      for (const [boot, one] of batch) put(taken, boot, one)
      batch = taken
    }
  }
  const stopStoring = repeat(flush, {
    pauseMs: BATCH_MS,
    pauseFirst: true,
    clock,
    onFailure: () => undefined,
  })
  return {
    take(report) {
      const boot = `${report.instanceId} ${report.bootId}`
      const known = batch.get(boot)
      if (known && known.report.seq >= report.seq) return
      if (known || batch.size < KEPT_MAX) put(batch, boot, { report, takenMs: clock.monotonicMs() })
    },
    stop: async () => {
      await stopStoring()
      await flush()
    },
  }
}

/** Behind what came before it. */
function put(into: Map<string, Taken>, boot: string, taken: Taken): void {
  const known = into.get(boot)
  if (known && known.report.seq >= taken.report.seq) return
  into.delete(boot)
  into.set(boot, taken)
}
