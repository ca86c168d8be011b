import { type Clock, systemClock } from '../common/clock.js'
import { messageOf, RedtroveError } from '../common/errors.js'
import { migrationSource } from '../migrations/index.js'
import { type Database, isSqlite } from './connect.js'

const CONFIG = { migrationSource, tableName: 'schema_migrations', disableTransactions: false } as const
/** Number of the advisory lock that one migrating process holds on PostgreSQL; it goes with its session. */
const ADVISORY_LOCK = 7_379_001

/**
 * Brings the schema up to date; several processes may do it at once, and one that was killed in the midst blocks nobody.
 * The lock table of knex outlives a killed process, so a lock that stands for `staleMs` is taken away (SQLite); PostgreSQL
 * serialises by an advisory lock first. Fails with `unavailable`.
 */
export async function migrate(knex: Database, clock: Clock = systemClock, staleMs = 10_000): Promise<void> {
  if (isSqlite(knex)) return migrateWithRetries(knex, clock, staleMs)
  await knex.transaction(async (trx) => {
    await trx.raw('select pg_advisory_xact_lock(?)', [ADVISORY_LOCK])
    await unlock(knex)
    await knex.migrate.latest(CONFIG)
  })
}

async function migrateWithRetries(knex: Database, clock: Clock, staleMs: number): Promise<void> {
  const deadline = clock.monotonicMs() + staleMs
  for (;;) {
    try {
      await knex.migrate.latest(CONFIG)
      return
    } catch (error) {
      if (clock.monotonicMs() > deadline + staleMs) {
        throw new RedtroveError(
          'unavailable',
          `The database cannot be brought up to date: ${messageOf(error)}`,
          { cause: error },
        )
      }
      if (clock.monotonicMs() > deadline) await unlock(knex)
      await clock.sleep(100)
    }
  }
}

async function unlock(knex: Database): Promise<void> {
  await knex.migrate.forceFreeMigrationsLock(CONFIG).catch(() => undefined)
}
