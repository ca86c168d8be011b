import type { Report } from '../contracts/taskmanager.js'
import type { Database } from './connect.js'
import { type ObservationRow, observationFromRow } from './rows.js'
import type { ObservationStore } from './store.js'
import { guarded, writeTransaction } from './transaction.js'

/** Rows a statement: SQLite and PostgreSQL both bound the number of parameters. */
const ROWS_A_STATEMENT = 200

/** The last report of each instance. */
export function observationStore(db: Database): ObservationStore {
  return {
    save: async (reports, receivedAtMs) => {
      const newest = newestOfEach(reports)
      if (newest.length === 0) return
      await writeTransaction(db, async (trx) => {
        for (let from = 0; from < newest.length; from += ROWS_A_STATEMENT) {
          const rows = newest
            .slice(from, from + ROWS_A_STATEMENT)
            .map((report) => rowOf(report, receivedAtMs))
          await trx('observations')
            .insert(rows)
            .onConflict('instance_id')
            .merge()
            .whereRaw('observations.boot_id <> excluded.boot_id or observations.seq < excluded.seq')
        }
      })
    },
    find: async (id) => {
      const row: ObservationRow | undefined = await guarded(() =>
        db('observations').where({ instance_id: id }).first(),
      )
      return row ? observationFromRow(row) : null
    },
  }
}

/** One statement may touch a row once; of several reports of one boot the greatest seq counts, of two boots the later one. */
function newestOfEach(reports: readonly Report[]): readonly Report[] {
  const newest = new Map<string, Report>()
  for (const report of reports) {
    const known = newest.get(report.instanceId)
    if (!known || known.bootId !== report.bootId || known.seq < report.seq)
      newest.set(report.instanceId, report)
  }
  return [...newest.values()]
}

function rowOf(report: Report, receivedAtMs: number): ObservationRow {
  return {
    instance_id: report.instanceId,
    boot_id: report.bootId,
    seq: report.seq,
    received_at_ms: receivedAtMs,
    observation: JSON.stringify(report.observation),
  }
}
