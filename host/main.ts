import { mkdirSync } from 'node:fs'
import { writeSecretFile } from '../common/files/secret-file.js'
import { untilStopped } from '../common/lifecycle.js'
import { createLogger } from '../common/log.js'
import { holdFolder } from '../common/processes/exclusive-name.js'
import { amqpUrlOf, readSettings, stateLayout } from '../common/settings/settings.js'
import { withoutAccount } from '../wire/broker/account.js'
import { openHost } from './open-host.js'
import { serveHost } from './serve.js'

/** Runs the host part alone, for those who run each part by themselves. Guests are stopped with it. */
export async function main({ script }: { readonly script: string }): Promise<void> {
  const settings = readSettings()
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  const log = createLogger('host', settings.REDTROVE_LOG_LEVEL)
  mkdirSync(settings.REDTROVE_STATE_DIR, { recursive: true, mode: 0o700 })
  const release = await holdFolder('state', settings.REDTROVE_STATE_DIR)
  // Guests are stopped with it, so that it ends after them, however often it is told.
  const stop = untilStopped(() => process.stderr.write('redtrove: still stopping the instances ...\n'))
  writeSecretFile(layout.amqpUrl, amqpUrlOf(settings))
  writeSecretFile(layout.amqpAddress, withoutAccount(amqpUrlOf(settings)))
  const { host } = await openHost(settings, [process.execPath, ...process.execArgv, script], log)
  const close = await serveHost(host, layout.hostSocket, log)
  await host.open()
  process.send?.({ ready: true })
  await stop.requested
  await close()
  await host.stop()
  await release()
}
