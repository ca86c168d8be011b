import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../common/clock.js'
import { amqpUrlOf, databaseUrlOf, readSettings, type Settings, stateLayout } from '../common/config.js'
import { connectStore } from '../common/db/connect-store.js'
import { isKind, messageOf, RedtroveError } from '../common/errors.js'
import { untilStopped } from '../common/lifecycle.js'
import { createLogger, type Logger } from '../common/log.js'
import { openControlMessaging } from '../common/rpc/control-messaging.js'
import { keyRing } from '../common/secrets/key-ring.js'
import { masterKey } from '../common/secrets/master-key.js'
import { staticTokens } from '../common/secrets/tokens.js'
import { createApp } from './app.js'
import type { ApiContext } from './context.js'

/** Serves the API until it is told to stop; wiring only. Needs the database; the broker may be away. */
export async function main(): Promise<void> {
  const settings = readSettings()
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  const log = createLogger('api', settings.REDTROVE_LOG_LEVEL)
  const stop = untilStopped()
  const store = await connectStore(databaseUrlOf(settings), log, stop.signal)
  const ring = keyRing(await masterKey(layout.masterKey))
  const messaging = openControlMessaging({
    url: () => amqpUrlOf(settings),
    keyOf: ring.instanceKey,
    log,
    consume: false,
  })
  const context: ApiContext = {
    settings,
    store,
    keyRing: ring,
    tokens: staticTokens(layout.tokens),
    clock: systemClock,
    log,
    ring: (operationId) => {
      messaging.ring(operationId).catch((error: unknown) => {
        log.info({ operationId, reason: messageOf(error) }, 'no ring; a sweeper will find the operation')
      })
    },
  }
  const server = createServer(createApp(context))
  const port = await listen(server, settings, log)
  process.send?.({ ready: true, port })
  await stop.requested
  await close(server)
  await messaging.close().catch((error: unknown) => isKind(error))
  await store.close()
}

async function listen(server: Server, settings: Settings, log: Logger): Promise<number> {
  const { REDTROVE_API_HOST: host, REDTROVE_API_PORT: wanted } = settings
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
  log.info({ host, port }, 'api listening')
  return port
}

/** Requests under way are answered, idle connections are closed at once. */
async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const impatient = setTimeout(() => server.closeAllConnections(), 5_000)
  await closed
  clearTimeout(impatient)
}
