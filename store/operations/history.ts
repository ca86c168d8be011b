import { OPEN_STATES } from '../../domain/operation/operation.js'
import type { Database } from '../connect.js'
import { type DatabaseNow, readClock } from '../database-clock.js'
import type { Forgotten, HistoryStore } from '../store.js'
import { type Transaction, writeTransaction } from '../transaction.js'

/** Rows a transaction: few enough that nobody waits long behind it, whatever has piled up. */
const ROWS_A_TRANSACTION = 200

/** Deletes one table's old rows, some of them; answers with how many. */
type Forget = (trx: Transaction, beforeMs: number) => Promise<number>

/** In this order: what a row is referred to by goes before it. Steps and members go with their operation. */
const TABLES: Readonly<Record<keyof Forgotten, Forget>> = {
  operations: (trx, beforeMs) =>
    some(trx, 'operations', 'id', (rows) =>
      rows.where('ended_at_ms', '<', beforeMs).whereNotIn('state', [...OPEN_STATES]),
    ),
  instances: (trx, beforeMs) =>
    some(trx, 'instances', 'id', (rows) =>
      rows.where('deleted_at_ms', '<', beforeMs).whereNull('operation_id'),
    ),
  // A set and its first instance come in one transaction, so an empty one has been left by all.
  sets: (trx) =>
    some(trx, 'replication_sets', 'id', (rows) =>
      rows
        .whereNotExists(trx('instances').whereRaw('instances.set_id = replication_sets.id').select('id'))
        .whereNotExists(
          trx('operations')
            .whereRaw('operations.set_id = replication_sets.id')
            .whereIn('state', [...OPEN_STATES])
            .select('id'),
        ),
    ),
  // Of a deleted instance, whose agent was still heard of once.
  reports: (trx) =>
    some(trx, 'observations', 'instance_id', (rows) =>
      rows.whereNotExists(
        trx('instances')
          .whereRaw('instances.id = observations.instance_id')
          .whereNull('deleted_at_ms')
          .select('id'),
      ),
    ),
  boots: (trx, beforeMs) =>
    some(trx, 'past_boots', 'boot_id', (rows) => rows.where('ended_at_ms', '<', beforeMs)),
}

/** Forgets what was long ago, by the database's clock. */
export function historyStore(db: Database, now: DatabaseNow): HistoryStore {
  const forgetAll = async (forget: Forget, beforeMs: number): Promise<number> => {
    for (let total = 0; ; ) {
      const count = await writeTransaction(db, (trx) => forget(trx, beforeMs))
      total += count
      if (count < ROWS_A_TRANSACTION) return total
    }
  }
  return {
    forget: async (ageMs) => {
      const beforeMs = (await readClock(db, now)) - ageMs
      const counts: Record<keyof Forgotten, number> = {
        operations: 0,
        instances: 0,
        sets: 0,
        reports: 0,
        boots: 0,
      }
      for (const [table, forget] of Object.entries(TABLES))
        counts[table as keyof Forgotten] = await forgetAll(forget, beforeMs) // the keys are those of the table
      return counts
    },
  }
}

async function some(
  trx: Transaction,
  table: string,
  key: string,
  narrow: (rows: ReturnType<Transaction['queryBuilder']>) => ReturnType<Transaction['queryBuilder']>,
): Promise<number> {
  const found = narrow(trx(table).select(key).limit(ROWS_A_TRANSACTION))
  // Wrapped: not every engine takes a limit in a subquery of a delete.
  return trx(table)
    .whereIn(key, trx.select(key).from(found.as('found')))
    .delete()
}
