/*
 * A private CA, and certificates that it signs, made by openssl since Node can read X.509 but not write it. What is there and still fits stays:
 * whoever puts a CA of his own into the folder before the first start has his.
 */
import { execFileSync } from 'node:child_process'
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const DAY_MS = 86_400_000
const CA_DAYS = 3_650
const DAYS = 730
/** A certificate that ends sooner is made anew. */
const DAYS_LEFT_MIN = 180
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

const CA_CONFIG = `[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = Redtrove private CA
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`

const serverConfig = (name, names) => `[req]
distinguished_name = name
prompt = no
[name]
CN = ${name}
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = ${names.map((one) => `${isIP(one) ? 'IP' : 'DNS'}:${one}`).join(', ')}
`

/** The CA of `dir` (ca.pem, ca.key), made when there is none; `keep(file, text, mode)` writes a file. */
export function authority(dir, keep) {
  const [cert, key] = [join(dir, 'ca.pem'), join(dir, 'ca.key')]
  if (!existsSync(cert) || !existsSync(key)) {
    const made = inFolder((at) => {
      writeFileSync(at('config'), CA_CONFIG)
      const files = ['-keyout', at('key'), '-out', at('cert')]
      openssl('req', '-x509', ...NEW_KEY, '-config', at('config'), '-days', String(CA_DAYS), ...files)
      return pairIn(at)
    })
    keep(key, made.key, 0o600)
    keep(cert, made.cert, 0o644)
  }
  return { cert, key, pem: readFileSync(cert, 'utf8') }
}

/** Sees to a certificate of `names` (hosts and addresses) in `cert` with its key in `key`. Answers whether it was made (anew). */
export function ensureCertificate(ca, { name, names, cert, key }, keep) {
  if (fits(ca, { names, cert, key })) return false
  const made = inFolder((at) => {
    writeFileSync(at('config'), serverConfig(name, names))
    openssl('req', '-new', ...NEW_KEY, '-config', at('config'), '-keyout', at('key'), '-out', at('wish'))
    const by = ['-CA', ca.cert, '-CAkey', ca.key, '-set_serial', `0x${randomBytes(16).toString('hex')}`]
    const what = ['-extfile', at('config'), '-extensions', 'server', '-days', String(DAYS)]
    openssl('x509', '-req', '-in', at('wish'), ...by, ...what, '-out', at('cert'))
    return pairIn(at)
  })
  keep(key, made.key, 0o600)
  keep(cert, made.cert, 0o644)
  return true
}

function fits(ca, { names, cert, key }) {
  if (!existsSync(cert) || !existsSync(key)) return false
  const found = new X509Certificate(readFileSync(cert))
  return (
    found.verify(new X509Certificate(ca.pem).publicKey) &&
    found.checkPrivateKey(createPrivateKey(readFileSync(key))) &&
    Date.parse(found.validTo) - Date.now() > DAYS_LEFT_MIN * DAY_MS &&
    names.every((one) => (isIP(one) ? found.checkIP(one) : found.checkHost(one)))
  )
}

/** Runs `act` with a private folder that is gone afterwards; `at` names files in it. */
function inFolder(act) {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-certificates-'))
  try {
    return act((name) => join(dir, name))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function pairIn(at) {
  return { cert: readFileSync(at('cert'), 'utf8'), key: readFileSync(at('key'), 'utf8') }
}

function openssl(...args) {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
