import type { StaticToken } from '../common/secrets/tokens.js'
import { writeSecretFile } from './broker/secret-file.js'

/** Where clients find the service, and with what token. */
export interface ClientFacts {
  readonly url: string
  readonly project: string
  readonly token: string
}

/** The `demo` project's way in, or the first token that is no admin's. */
export function clientFacts(host: string, port: number, tokens: readonly StaticToken[]): ClientFacts {
  const entry = tokens.find(({ admin }) => !admin) ?? tokens[0]
  const project = entry?.project ?? 'demo'
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${reached}:${port}/v1.0/${encodeURIComponent(project)}`,
    project,
    token: entry?.token ?? '',
  }
}

/** Shell exports for our own client and the unmodified OpenStack one (0600, since they hold the token). */
export function writeClientRc(file: string, { url, token }: ClientFacts): void {
  const lines = {
    REDTROVE_URL: url,
    REDTROVE_TOKEN: token,
    OS_AUTH_TYPE: 'admin_token',
    OS_ENDPOINT: url,
    OS_TOKEN: token,
  }
  writeSecretFile(
    file,
    Object.entries(lines)
      .map(([name, value]) => `export ${name}='${value}'\n`)
      .join(''),
  )
}
