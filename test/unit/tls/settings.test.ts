import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokerOf, databaseOf, readSettings } from '../../../common/settings/settings.js'
import { postgresAddress } from '../../../common/tls/postgres-address.js'
import { type TestAuthority, testAuthority } from '../../harness/certificates.js'

let authority: TestAuthority
let dir: string
beforeAll(() => {
  authority = testAuthority()
  dir = mkdtempSync(join(tmpdir(), 'redtrove-tls-'))
})
afterAll(() => {
  authority.remove()
  rmSync(dir, { recursive: true, force: true })
})

function complaintsOf(env: Record<string, string>): string {
  try {
    readSettings(env)
    return ''
  } catch (error) {
    expect(error).toMatchObject({ kind: 'bad_setting' })
    return String(error)
  }
}

function fileWith(text: string): string {
  const file = join(dir, `${Math.random()}`)
  writeFileSync(file, text)
  return file
}

describe('settings of TLS', () => {
  it('are taken when everything fits', () => {
    const { cert, key } = authority.issue('api', 'DNS:localhost')
    const settings = readSettings({
      REDTROVE_API_CERT_FILE: cert,
      REDTROVE_API_KEY_FILE: key,
      REDTROVE_CA_FILE: authority.ca,
      REDTROVE_DATABASE_URL: 'postgres://db/redtrove',
      REDTROVE_DATABASE_CA_FILE: authority.ca,
      REDTROVE_AMQP_URL: 'amqps://broker',
      REDTROVE_AMQP_CA_FILE: authority.ca,
    })
    expect(databaseOf(settings)).toEqual({ url: 'postgres://db/redtrove', caFile: authority.ca })
    expect(brokerOf(settings)).toMatchObject({ caFile: authority.ca })
    expect(brokerOf(settings).url()).toBe('amqps://broker')
  })

  it('are named with every other bad one at once', () => {
    const said = complaintsOf({
      REDTROVE_API_PORT: 'many',
      REDTROVE_API_CERT_FILE: '/nowhere/api.pem',
      REDTROVE_API_KEY_FILE: '/nowhere/api.key',
      REDTROVE_CA_FILE: '/nowhere/ca.pem',
      REDTROVE_DATABASE_URL: 'postgres://db/redtrove?sslmode=require',
      REDTROVE_DATABASE_CA_FILE: '/nowhere/db.pem',
      REDTROVE_AMQP_CA_FILE: '/nowhere/broker.pem',
    })
    for (const words of [
      /REDTROVE_API_PORT: /,
      /REDTROVE_API_CERT_FILE: \/nowhere\/api.pem cannot be read/,
      /REDTROVE_CA_FILE: .*cannot be read/,
      /REDTROVE_DATABASE_URL: sslmode=require does not verify/,
      /REDTROVE_DATABASE_CA_FILE: .*cannot be read/,
      /REDTROVE_AMQP_CA_FILE: is for amqps:/,
      /REDTROVE_AMQP_CA_FILE: .*cannot be read/,
    ])
      expect(said).toMatch(words)
  })

  it('say what is wrong with a certificate and its key, and nothing of the key', () => {
    const { cert, key } = authority.issue('one', 'DNS:localhost')
    const other = authority.issue('other', 'DNS:localhost')
    const locked = fileWith(
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----\n',
    )
    const damaged = fileWith('-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n')
    const said = (certFile: string, keyFile: string) =>
      complaintsOf({ REDTROVE_API_CERT_FILE: certFile, REDTROVE_API_KEY_FILE: keyFile })
    expect(said(cert, other.key)).toMatch(/is not the key of the certificate/)
    expect(said(cert, locked)).toMatch(/locked by a passphrase/)
    expect(said(cert, fileWith('c2VjcmV0'))).toMatch(/holds no private key/)
    expect(said(key, key)).toMatch(/holds no certificate/)
    expect(said(damaged, key)).toMatch(/damaged certificate/)
    expect(said(cert, locked)).not.toContain('c2VjcmV0')
    expect(complaintsOf({ REDTROVE_API_CERT_FILE: cert })).toMatch(/REDTROVE_API_KEY_FILE: missing/)
    expect(complaintsOf({ REDTROVE_API_KEY_FILE: key })).toMatch(/REDTROVE_API_CERT_FILE: missing/)
  })

  it('refuse a CA for what has no TLS', () => {
    expect(complaintsOf({ REDTROVE_DATABASE_CA_FILE: authority.ca })).toMatch(/is for postgres:/)
    const plain = { REDTROVE_AMQP_URL: 'amqp://broker', REDTROVE_AMQP_CA_FILE: authority.ca }
    expect(complaintsOf(plain)).toMatch(/REDTROVE_AMQP_CA_FILE: is for amqps:/)
    expect(complaintsOf({ ...plain, REDTROVE_GUEST_AMQP_URL: 'amqps://broker' })).toBe('')
  })
})

describe('sslmode in a PostgreSQL address', () => {
  it.each([
    ['postgres://u:p@db/x', false, 'postgres://u:p@db/x', false],
    ['postgres://u:p@db/x', true, 'postgres://u:p@db/x', true],
    ['postgres://u:p@db/x?sslmode=verify-full', false, 'postgres://u:p@db/x', true],
    [
      'postgres://u:p@db/x?sslmode=verify-full&application_name=a',
      true,
      'postgres://u:p@db/x?application_name=a',
      true,
    ],
    ['postgres://u:p@db/x?sslmode=disable', false, 'postgres://u:p@db/x', false],
  ])('%s, CA %s: %s, verified %s', (given, hasCa, url, verified) => {
    expect(postgresAddress(given, hasCa)).toEqual({ url, verified })
  })

  it.each([
    ['sslmode=disable', true],
    ['sslmode=no-verify', true],
    ['sslmode=require', false],
    ['sslmode=prefer', false],
    ['sslmode=verify-ca', true],
    ['ssl=true', false],
    ['sslrootcert=/etc/ca.pem', false],
    ['sslnegotiation=direct', true],
  ])('%s is refused (CA %s)', (query, hasCa) => {
    expect(() => postgresAddress(`postgres://db/x?${query}`, hasCa)).toThrow(/ssl/)
  })
})
