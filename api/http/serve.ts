import { createServer as createPlainServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server as Listener } from 'node:net'
import { RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { Settings } from '../../common/settings/settings.js'
import { readIdentity } from '../../common/tls/certificates.js'
import { RENEWAL_LOOK_MS, watchIdentity } from '../auth/watch-identity.js'

/** Whoever connects and does not begin to speak TLS is not waited for longer. */
const HANDSHAKE_MS_MAX = 10_000
const CLOSE_MS_MAX = 5_000

/** An API that listens. */
export interface ServedApi {
  readonly port: number
  /** Requests under way are answered, idle connections are closed at once. */
  close(): Promise<void>
}

/** Where to listen, and with what certificate. */
export type ServeSettings = Pick<
  Settings,
  'REDTROVE_API_HOST' | 'REDTROVE_API_PORT' | 'REDTROVE_API_CERT_FILE' | 'REDTROVE_API_KEY_FILE'
>

/**
 * Listens for requests: by HTTPS alone where a certificate is given, and then a renewed one is taken from its files within
 * `renewalLookMs` without a restart. Fails with `unavailable` when the address cannot be had, with `bad_setting` when the certificate
 * cannot be used any more.
 */
export async function serveApi(
  app: RequestListener,
  settings: ServeSettings,
  log: Logger,
  renewalLookMs = RENEWAL_LOOK_MS,
): Promise<ServedApi> {
  const { REDTROVE_API_CERT_FILE: certFile, REDTROVE_API_KEY_FILE: keyFile } = settings
  if (!certFile || !keyFile) return serve(createPlainServer(app), 'http', settings, log)
  const server = createTlsServer(
    { ...identityOf(certFile, keyFile), handshakeTimeout: HANDSHAKE_MS_MAX },
    app,
  )
  server.on('tlsClientError', (error) => log.debug({ reason: error.message }, 'no TLS was agreed on'))
  const served = await serve(server, 'https', settings, log)
  const unwatch = watchIdentity(certFile, keyFile, (identity) => server.setSecureContext(identity), {
    lookMs: renewalLookMs,
    log,
  })
  return {
    port: served.port,
    close: async () => {
      unwatch()
      await served.close()
    },
  }
}

function identityOf(certFile: string, keyFile: string): { readonly cert: string; readonly key: string } {
  try {
    const { cert, key } = readIdentity(certFile, keyFile)
    return { cert, key }
  } catch (cause) {
    const sentence = `Bad settings:\n  REDTROVE_API_CERT_FILE: ${(cause as Error).message}`
    throw new RedtroveError('bad_setting', sentence, { cause })
  }
}

/** What a server by HTTP and one by HTTPS have in common. */
interface Server extends Listener {
  closeIdleConnections(): void
  closeAllConnections(): void
}

async function serve(
  server: Server,
  protocol: string,
  { REDTROVE_API_HOST: host, REDTROVE_API_PORT: wanted }: ServeSettings,
  log: Logger,
): Promise<ServedApi> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE' ? 'another process has it; set REDTROVE_API_PORT' : cause.message
      reject(
        new RedtroveError('unavailable', `The API cannot listen on ${host}:${wanted}: ${why}.`, { cause }),
      )
    })
    server.listen(wanted, host, resolve)
  })
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo
  log.info({ host, port, protocol }, 'api listening')
  return { port, close: () => close(server) }
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const impatient = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX)
  await closed
  clearTimeout(impatient)
}
