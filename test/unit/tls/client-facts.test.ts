import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readSettings } from '../../../common/settings/settings.js'
import { clientFacts, writeClientRc } from '../../../supervisor/client-rc.js'
import { type TestAuthority, type TestIdentity, testAuthority } from '../../harness/certificates.js'

let authority: TestAuthority
beforeAll(() => {
  authority = testAuthority()
})
afterAll(() => authority.remove())

const TOKENS = [{ token: 'a-token-0123456789', project: 'demo', admin: false }]
const facts = (host: string, identity?: TestIdentity, env: Record<string, string> = {}) => {
  const files = identity
    ? { REDTROVE_API_CERT_FILE: identity.cert, REDTROVE_API_KEY_FILE: identity.key }
    : undefined
  return clientFacts(readSettings({ REDTROVE_API_HOST: host, ...files, ...env }), 8779, TOKENS)
}

it('without a certificate the address is http, and no CA is named', () => {
  expect(facts('0.0.0.0')).toMatchObject({ url: 'http://127.0.0.1:8779/v1.0/demo', caFile: null })
  expect(facts('::1', undefined, { REDTROVE_CA_FILE: authority.ca }).caFile).toBe(null)
})

it('with one it is https, by a name that the certificate has', () => {
  const byAddress = authority.issue('by-address', 'DNS:localhost,IP:127.0.0.1')
  const byName = authority.issue('by-name', 'DNS:*.example.org,DNS:db.example.org')
  expect(facts('0.0.0.0', byAddress).url).toBe('https://127.0.0.1:8779/v1.0/demo')
  expect(facts('0.0.0.0', byName).url).toBe('https://db.example.org:8779/v1.0/demo')
})

it('names the CA that is set, and a certificate that signed itself; else whoever the system trusts', () => {
  const signed = authority.issue('signed', 'DNS:localhost')
  const itself = { cert: authority.ca, key: join(authority.dir, 'ca.key') }
  expect(facts('localhost', signed).caFile).toBe(null)
  expect(facts('localhost', signed, { REDTROVE_CA_FILE: authority.ca }).caFile).toBe(authority.ca)
  expect(facts('localhost', itself).caFile).toBe(authority.ca)
})

it('clientrc quotes what a shell would read', () => {
  const file = join(authority.dir, 'clientrc')
  writeClientRc(file, { url: 'https://h', project: 'demo', token: 't', caFile: "/it's/ca.pem" })
  expect(readFileSync(file, 'utf8')).toContain("export OS_CACERT='/it'\\''s/ca.pem'\n")
})
