import type { Knex } from 'knex'
import { messageOf, RedtroveError } from '../common/errors.js'
import { isTlsTrouble } from '../common/tls/trouble.js'
import { type Database, isSqlite } from './connect.js'

export type Transaction = Knex.Transaction

/**
 * Runs `work` in one transaction that may write. On SQLite the first statement is a write that touches no row: it takes the
 * write lock before anything is read, so a transaction waits at its start (busy timeout) and never fails in the middle because
 * what it read was changed by another process. Fails with what `work` throws, or `unavailable` when the database does not serve.
 */
export async function writeTransaction<T>(
  knex: Database,
  work: (trx: Transaction) => Promise<T>,
): Promise<T> {
  return guarded(() =>
    knex.transaction(async (trx) => {
      if (isSqlite(knex)) await trx.raw('update replication_sets set epoch = epoch where 1 = 0')
      return work(trx)
    }),
  )
}

/** Passes expected failures on and turns a database that does not serve into `unavailable`. */
export async function guarded<T>(work: () => PromiseLike<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RedtroveError || !isAway(error)) throw error
    throw new RedtroveError('unavailable', 'The database does not serve now; try again in a moment.', {
      cause: error,
    })
  }
}

/** PostgreSQL classes: 08 connection, 53 resources, 57 operator intervention, 40 serialisation and deadlock. */
const AWAY_SQLSTATES = /^(08|53|57|40)/
const AWAY_CODES = [
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_FULL',
  'SQLITE_IOERR',
  'SQLITE_CANTOPEN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
]

function isAway(error: unknown): boolean {
  // Errors of both drivers carry a string `code`; anything else has none.
  const code = String((error as { code?: unknown } | null)?.code ?? '')
  if (AWAY_CODES.includes(code) || (code.length === 5 && AWAY_SQLSTATES.test(code))) return true
  if (isTlsTrouble(error)) return true
  return /Timeout acquiring a connection|Connection terminated|Connection ended|pool is (full|draining)/i.test(
    messageOf(error),
  )
}

/** A unique index refused the row. */
export function isUniqueViolation(error: unknown): boolean {
  const code = String((error as { code?: unknown } | null)?.code ?? '')
  return code === '23505' || (code === 'SQLITE_CONSTRAINT' && /UNIQUE/.test(messageOf(error)))
}
