import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import createKnex, { type Knex } from 'knex'
import pg from 'pg'
import { RedtroveError } from '../common/errors.js'
import { readAuthorities } from '../common/tls/certificates.js'
import { postgresAddress } from '../common/tls/postgres-address.js'

export type Database = Knex

/** How long a statement waits for another process's write. Milliseconds. */
const BUSY_TIMEOUT_MS = 5_000
const INT8_OID = 20
/** SQLite's own default of 2 MB does not hold the indexes of some thousand instances. */
const CACHE_KB = 32_768

/**
 * Opens `sqlite:FILE` or `postgres://…`; connections are made when first used.
 * SQLite: WAL, so readers never wait for the writer; one connection a process, so transactions of one process queue up instead
 * of failing; `synchronous=FULL`, because an operation that was answered with 202 must survive a power cut.
 * A statement that fails is named in the log without its values, which may be sealed secrets or somebody's text.
 * PostgreSQL: with `caFile` or `sslmode=verify-full` over TLS alone, certificate and name verified, whatever the environment says.
 */
export function connect(databaseUrl: string, caFile?: string): Database {
  return databaseUrl.startsWith('sqlite:')
    ? connectSqlite(databaseUrl.slice('sqlite:'.length))
    : connectPostgres(databaseUrl, caFile)
}

/** True for the embedded database. */
export function isSqlite(knex: Database): boolean {
  return knex.client.config.client === 'sqlite3'
}

function connectSqlite(filename: string): Database {
  if (filename !== ':memory:') createPrivately(filename)
  return createKnex({
    client: 'sqlite3',
    compileSqlOnError: false,
    connection: { filename },
    useNullAsDefault: true,
    acquireConnectionTimeout: 2 * BUSY_TIMEOUT_MS,
    pool: { min: 1, max: 1, idleTimeoutMillis: 2 ** 31 - 1, afterCreate: prepareSqlite },
  })
}

interface SqliteConnection {
  exec(sql: string, done: (error: Error | null) => void): void
}

function prepareSqlite(
  connection: SqliteConnection,
  done: (error: Error | null, connection: SqliteConnection) => void,
): void {
  const pragmas = `PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-${CACHE_KB};`
  connection.exec(pragmas, (error) => done(error, connection))
}

/** The file holds sealed secrets and everybody's names: its folder is 0700 and the file 0600 before SQLite opens it. */
function createPrivately(filename: string): void {
  try {
    mkdirSync(dirname(filename), { recursive: true, mode: 0o700 })
    closeSync(openSync(filename, 'a', 0o600))
    chmodSync(filename, 0o600)
  } catch (cause) {
    throw new RedtroveError('unavailable', `The database file ${filename} cannot be written.`, { cause })
  }
}

function connectPostgres(databaseUrl: string, caFile: string | undefined): Database {
  const { url: connectionString, verified } = postgresAddress(databaseUrl, caFile !== undefined)
  // bigint arrives as text by default; ours are counts and milliseconds, far below 2^53.
  pg.types.setTypeParser(INT8_OID, Number)
  return createKnex({
    client: 'pg',
    compileSqlOnError: false,
    // Asked for each connection: a CA that was renewed is taken without a restart.
    connection: () => ({
      connectionString,
      connectionTimeoutMillis: BUSY_TIMEOUT_MS,
      statement_timeout: 2 * BUSY_TIMEOUT_MS,
      ssl: verified && { rejectUnauthorized: true, ...(caFile ? { ca: readAuthorities(caFile) } : {}) },
    }),
    acquireConnectionTimeout: 2 * BUSY_TIMEOUT_MS,
    pool: { min: 0, max: 10 },
  })
}
