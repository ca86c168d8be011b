/* Certificates of a test's own, made by openssl in a temporary folder. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Files of one server. */
export interface TestIdentity {
  readonly cert: string
  readonly key: string
}

/** A CA that nobody else has. */
export interface TestAuthority {
  readonly dir: string
  /** Its certificate's file. */
  readonly ca: string
  /** A server's certificate; `names` as openssl writes them (`DNS:localhost`, `IP:127.0.0.1`). */
  issue(name: string, names: string, days?: number): TestIdentity
  remove(): void
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** Makes one. */
export function testAuthority(): TestAuthority {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-ca-'))
  const file = (name: string) => join(dir, name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const [ca, caKey] = [file('ca.pem'), file('ca.key')]
  const own = ['-x509', '-subj', '/CN=redtrove test CA', '-days', '2', '-keyout', caKey, '-out', ca]
  openssl('req', ...NEW_KEY, ...own)
  return {
    dir,
    ca,
    issue: (name, names, days = 1) => {
      const [cert, key, wish] = [file(`${name}.pem`), file(`${name}.key`), file(`${name}.csr`)]
      openssl('req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', wish)
      writeFileSync(file('names'), `subjectAltName=${names}\n`)
      const by = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-extfile', file('names')]
      openssl('x509', '-req', '-in', wish, ...by, '-days', String(days), '-out', cert)
      return { cert, key }
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
