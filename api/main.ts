import { systemClock } from '../common/clock.js'
import { isKind, messageOf } from '../common/errors.js'
import { untilStopped } from '../common/lifecycle.js'
import { createLogger } from '../common/log.js'
import { keyRing } from '../common/secrets/key-ring.js'
import { masterKey } from '../common/secrets/master-key.js'
import { staticTokens } from '../common/secrets/tokens.js'
import { brokerOf, databaseOf, keyFilesOf, readSettings } from '../common/settings/settings.js'
import { connectStore } from '../store/connect-store.js'
import { operationDoor } from '../store/operations/door.js'
import { openControlMessaging } from '../wire/control/messaging.js'
import { createApp } from './app.js'
import type { ApiContext } from './context.js'
import { serveApi } from './http/serve.js'

/** Serves the API until it is told to stop; wiring only. Needs the database; the broker may be away. */
export async function main(): Promise<void> {
  const settings = readSettings()
  const keyFiles = keyFilesOf(settings)
  const log = createLogger('api', settings.REDTROVE_LOG_LEVEL)
  const stop = untilStopped()
  const store = await connectStore(databaseOf(settings), log, stop.signal)
  const ring = keyRing(await masterKey(keyFiles.masterKey))
  const messaging = openControlMessaging({
    ...brokerOf(settings),
    keyOf: ring.instanceKey,
    log,
    consume: false,
  })
  const announce = (operationId: string) => {
    messaging.announce(operationId).catch((error: unknown) => {
      log.info({ operationId, reason: messageOf(error) }, 'not announced; a sweep will find the operation')
    })
  }
  const context: ApiContext = {
    settings,
    store,
    keyRing: ring,
    tokens: staticTokens(keyFiles.tokens),
    clock: systemClock,
    log,
    openOperation: operationDoor({ operations: store.operations, announce, log }),
  }
  const served = await serveApi(createApp(context), settings, log)
  process.send?.({ ready: true, port: served.port })
  await stop.requested
  await served.close()
  await messaging.close().catch((error: unknown) => isKind(error))
  await store.close()
}
