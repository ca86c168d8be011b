import { SET_BACK_MS_MAX } from '../../domain/instance/silence.js'
import type { Database } from '../connect.js'
import { type DatabaseNow, readClock } from '../database-clock.js'
import { type ObservationRow, observationFromRow } from '../rows.js'
import type { ObservationStore, TakenReport } from '../store.js'
import { guarded, type Transaction, writeTransaction } from '../transaction.js'
import { type BootSeq, byBoot, followers, oneAnInstance } from './newest-reports.js'

/** Rows a statement: SQLite and PostgreSQL both bound the number of parameters. */
const ROWS_A_STATEMENT = 200
/** Taken for their age, which nobody knows: more than anybody calls fresh. */
const UNKNOWN_AGE_MS = 24 * 3_600_000

/** The last report of each instance. */
export function observationStore(db: Database, now: DatabaseNow): ObservationStore {
  return {
    save: async (reports) => {
      if (reports.length === 0) return
      await writeTransaction(db, async (trx) => {
        const nowMs = await readClock(trx, now)
        await ageTheFuture(trx, nowMs)
        for (const round of oneAnInstance(byBoot(reports))) {
          for (let from = 0; from < round.length; from += ROWS_A_STATEMENT)
            await saveRound(trx, round.slice(from, from + ROWS_A_STATEMENT), nowMs)
        }
      })
    },
    find: async (id) => {
      const row: (ObservationRow & { now_ms: number }) | undefined = await guarded(() =>
        db('observations')
          .where({ instance_id: id })
          .first('observations.*', { now_ms: now(db) }),
      )
      return row ? observationFromRow(row, row.now_ms) : null
    },
  }
}

/** Else a dead agent's last report would be fresh for a moment when the clock has caught up with it. */
async function ageTheFuture(trx: Transaction, nowMs: number): Promise<void> {
  await trx('observations')
    .where('received_at_ms', '>', nowMs + SET_BACK_MS_MAX)
    .update({ received_at_ms: nowMs - UNKNOWN_AGE_MS })
}

/** `reports` are of as many instances. Their rows are locked by the first statement, whether or not it changes them (PostgreSQL). */
async function saveRound(trx: Transaction, reports: readonly TakenReport[], nowMs: number): Promise<void> {
  const ids = reports.map(({ instanceId }) => instanceId)
  const boots = reports.map(({ bootId }) => bootId)
  await trx('observations')
    .insert(reports.map((report) => rowOf(report, nowMs)))
    .onConflict('instance_id')
    .merge()
    .whereRaw('observations.boot_id = excluded.boot_id and observations.seq < excluded.seq')
  const others: BootSeq[] = await trx('observations')
    .whereIn('instance_id', ids)
    .whereNotIn('boot_id', boots)
    .select('instance_id', 'boot_id', 'seq')
  if (others.length === 0) return
  const past: BootSeq[] = await trx('past_boots')
    .whereIn('instance_id', ids)
    .whereIn('boot_id', boots)
    .select('instance_id', 'boot_id', 'seq')
  const { ended, begun } = followers(reports, others, past)
  if (begun.length === 0) return
  await trx('past_boots')
    .insert(ended.map((boot) => ({ ...boot, ended_at_ms: nowMs })))
    .onConflict(['instance_id', 'boot_id'])
    .merge()
  await trx('observations')
    .insert(begun.map((report) => rowOf(report, nowMs)))
    .onConflict('instance_id')
    .merge()
}

function rowOf(report: TakenReport, nowMs: number): ObservationRow {
  return {
    instance_id: report.instanceId,
    boot_id: report.bootId,
    seq: report.seq,
    received_at_ms: Math.round(nowMs - report.agoMs),
    observation: JSON.stringify(report.observation),
  }
}
