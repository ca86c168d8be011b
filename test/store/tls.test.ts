import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Logger } from '../../common/log.js'
import { createLogger } from '../../common/log.js'
import { connect } from '../../store/connect.js'
import { connectStore } from '../../store/connect-store.js'
import { guarded } from '../../store/transaction.js'
import { type TestAuthority, testAuthority } from '../harness/certificates.js'
import { type Postgres, startPostgres } from '../harness/postgres.js'

let authority: TestAuthority
let stranger: TestAuthority
let postgres: Postgres
/** By a name that the certificate has, and by one that it has not. */
let byName: string
let byAddress: string
beforeAll(async () => {
  authority = testAuthority()
  stranger = testAuthority()
  postgres = await startPostgres({ durable: false, identity: authority.issue('postgres', 'DNS:localhost') })
  byAddress = `${postgres.url}/postgres`
  byName = byAddress.replace('127.0.0.1', 'localhost')
})
afterAll(async () => {
  await postgres?.stop()
  authority?.remove()
  stranger?.remove()
})
afterEach(() => {
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
  delete process.env.PGSSLMODE
})

/** What a part of the control plane says while it waits for this database. */
async function trouble(url: string, caFile?: string): Promise<string> {
  const leave = new AbortController()
  let reason = 'connected'
  const log: Logger = createLogger('test', 'silent')
  log.warn = (said: unknown) => {
    reason = (said as { reason: string }).reason
    leave.abort()
  }
  await connectStore({ url, ...(caFile ? { caFile } : {}) }, log, leave.signal).then(
    (store) => store.close(),
    () => undefined,
  )
  return reason
}

async function isEncrypted(url: string, caFile?: string): Promise<boolean> {
  const db = connect(url, caFile)
  const ask = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
  return db
    .raw(ask)
    .then(({ rows }: { rows: { ssl: boolean }[] }) => rows[0]?.ssl === true)
    .finally(() => db.destroy())
}

describe('PostgreSQL over TLS', () => {
  it('is used where a CA is named, with or without verify-full', async () => {
    expect(await isEncrypted(byName, authority.ca)).toBe(true)
    expect(await isEncrypted(`${byName}?sslmode=verify-full`, authority.ca)).toBe(true)
    expect(await trouble(byName, authority.ca)).toBe('connected')
  })

  it.each([
    [
      'another CA',
      () => trouble(byName, stranger.ca),
      /none that is trusted here .*REDTROVE_DATABASE_CA_FILE/,
    ],
    ['verify-full and no CA', () => trouble(`${byName}?sslmode=verify-full`), /none that is trusted here/],
    ['another name', () => trouble(byAddress, authority.ca), /for another name: .*127\.0\.0\.1/],
    [
      'a CA whose file is gone',
      () => trouble(byName, '/nowhere/ca.pem'),
      /\/nowhere\/ca\.pem cannot be read/,
    ],
    ['plain text', () => trouble(byName), /no encryption/],
    [
      'a server without TLS',
      () => trouble(`${inject('postgresUrl')}/postgres`, authority.ca),
      /does not support SSL/,
    ],
  ])('%s: it waits and says why', async (_what, look, words) => {
    expect(await look()).toMatch(words)
  })

  it('the environment cannot switch the verification off', async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    process.env.PGSSLMODE = 'no-verify'
    expect(await trouble(byName, stranger.ca)).toMatch(/none that is trusted here/)
  })

  it('a certificate that stops fitting later is a database that does not serve now, not a bug', async () => {
    const db = connect(byName, stranger.ca)

    await expect(guarded(() => db.raw('select 1'))).rejects.toMatchObject({ kind: 'unavailable' })
    await db.destroy()
  })
})
