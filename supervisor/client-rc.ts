import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { writeSecretFile } from '../common/files/secret-file.js'
import type { StaticToken } from '../common/secrets/tokens.js'
import type { Settings } from '../common/settings/settings.js'
import { readLeaf } from '../common/tls/certificates.js'

/** Where clients find the service, whom they have to trust, and with what token they come. */
export interface ClientFacts {
  readonly url: string
  readonly project: string
  readonly token: string
  /** The CA of the API's certificate, when it is none that every system knows. */
  readonly caFile: string | null
}

/**
 * The `demo` project's way in, or the first token that is no admin's. Where a certificate is given it is https, by a name that the
 * certificate has: that of the address it listens on, else the certificate's own first one.
 */
export function clientFacts(settings: Settings, port: number, tokens: readonly StaticToken[]): ClientFacts {
  const entry = tokens.find(({ admin }) => !admin) ?? tokens[0]
  const project = entry?.project ?? 'demo'
  const { REDTROVE_API_HOST: host, REDTROVE_API_CERT_FILE: certFile, REDTROVE_CA_FILE: caFile } = settings
  const leaf = certFile ? readLeaf(certFile) : null
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  const named = leaf ? nameOn(leaf, reached) : reached
  const place = `${named.includes(':') ? `[${named}]` : named}:${port}`
  // Who signed himself is his own CA.
  const ownCa = leaf && certFile && leaf.verify(leaf.publicKey) ? certFile : null
  return {
    url: `${leaf ? 'https' : 'http'}://${place}/v1.0/${encodeURIComponent(project)}`,
    project,
    token: entry?.token ?? '',
    caFile: leaf ? (caFile ?? ownCa) : null,
  }
}

function nameOn(leaf: X509Certificate, host: string): string {
  if (isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host)) return host
  const names = (leaf.subjectAltName ?? '').split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''))
  return names.find((name) => name !== '' && !name.startsWith('*')) ?? host
}

/** Shell exports for our own client and the unmodified OpenStack one (0600, since they hold the token). */
export function writeClientRc(file: string, { url, token, caFile }: ClientFacts): void {
  const lines = {
    REDTROVE_URL: url,
    REDTROVE_TOKEN: token,
    ...(caFile ? { REDTROVE_CA_FILE: caFile, OS_CACERT: caFile } : {}),
    OS_AUTH_TYPE: 'admin_token',
    OS_ENDPOINT: url,
    OS_TOKEN: token,
  }
  writeSecretFile(
    file,
    Object.entries(lines)
      .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
      .join(''),
  )
}
