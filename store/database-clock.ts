import type { Knex } from 'knex'
import { type Database, isSqlite } from './connect.js'

/**
 * The one clock of everything that is stored, as an SQL expression: milliseconds since 1970 on the machine of whoever carries the
 * statement out. SQLite's is this machine's, PostgreSQL's its server's; programs' own clocks may differ as they like. It holds still
 * within a statement, so that an index can be used with it.
 */
export type DatabaseNow = (db: Database | Knex.Transaction) => Knex.Raw

/** The clock of the database that is connected. */
export const databaseNow: DatabaseNow = (db) =>
  db.raw(
    isSqlite(db)
      ? "cast(round((julianday('now') - 2440587.5) * 86400000) as integer)"
      : 'cast(extract(epoch from statement_timestamp()) * 1000 as bigint)',
  )

/** What it says now. */
export async function readClock(db: Database | Knex.Transaction, now: DatabaseNow): Promise<number> {
  const [row]: { now_ms: number }[] = await db.select({ now_ms: now(db) })
  if (row === undefined) throw new Error('The database said nothing of its clock.')
  return row.now_ms
}
