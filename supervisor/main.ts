/*
 * `npm start`: the whole service of one machine. Everything that is started is put on a stack and stopped in reverse order; a
 * second start on the same state directory is refused; what a killed supervisor left is stopped (broker, api, taskmanager) or
 * taken over (guests).
 */
import { mkdirSync } from 'node:fs'
import { readSettings, type Settings, stateLayout } from '../common/config.js'
import { holdFolder } from '../common/exclusive-name.js'
import { untilStopped } from '../common/lifecycle.js'
import { createLogger, type Logger } from '../common/log.js'
import { masterKey } from '../common/secrets/master-key.js'
import { staticTokens } from '../common/secrets/tokens.js'
import { writeSecretFile } from './broker/secret-file.js'
import { keepChild } from './child.js'
import { clientFacts, writeClientRc } from './client-rc.js'
import { openHost } from './host/host.js'
import { serveHost } from './host/serve-host.js'
import { hostOptions } from './host-options.js'
import { keepBroker } from './keep-broker.js'

type Undo = () => Promise<void>

/** Runs everything until SIGINT or SIGTERM. `script` is this program's own file, to run its other parts. */
export async function main({ script }: { readonly script: string }): Promise<void> {
  const settings = readSettings()
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  for (const dir of [settings.REDTROVE_STATE_DIR, layout.run])
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  const release = await holdFolder('state', settings.REDTROVE_STATE_DIR)
  const stop = untilStopped()
  const log = createLogger('supervisor', settings.REDTROVE_LOG_LEVEL, layout.log('supervisor'))
  const stack: Undo[] = [release]
  try {
    const ready = startAll(settings, script, log, stack).then((facts) => {
      process.stdout.write(`redtrove ready: ${facts.url} token ${facts.token}\n`)
    })
    await Promise.race([ready, stop.requested])
    await stop.requested
    say('stopping')
  } finally {
    await stopAll(stack, log)
  }
}

async function startAll(settings: Settings, script: string, log: Logger, stack: Undo[]) {
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  await masterKey(layout.masterKey)
  const tokens = staticTokens(layout.tokens)
  const host = openHost(hostOptions(settings, [process.execPath, ...process.execArgv, script], log))
  // A missing redis-server is said at once, not after the broker's ten seconds.
  await host.offers()
  writeSecretFile(layout.amqpUrl, await brokerUrl(settings, log, stack))
  stack.push(await serveHost(host, layout.hostSocket, log))
  stack.push(() => host.stop())
  host.open()
  const child = (part: string) => {
    const kept = keepChild({
      args: ['serve', part],
      program: script,
      env: process.env,
      logFile: layout.log(part),
      log,
    })
    stack.push(kept.stop)
    return kept
  }
  say('starting the task manager and the API')
  const [taskmanager, api] = [child('taskmanager'), child('api')]
  const [{ port }] = await Promise.all([api.ready, taskmanager.ready])
  const facts = clientFacts(settings.REDTROVE_API_HOST, port ?? settings.REDTROVE_API_PORT, tokens)
  writeClientRc(layout.clientrc, facts)
  return facts
}

async function brokerUrl(settings: Settings, log: Logger, stack: Undo[]): Promise<string> {
  if (settings.REDTROVE_AMQP_URL) return settings.REDTROVE_AMQP_URL
  say('starting the message broker (about ten seconds)')
  const broker = await keepBroker(stateLayout(settings.REDTROVE_STATE_DIR).broker, log)
  stack.push(broker.stop)
  return broker.url
}

/** In reverse order of the start; one that fails does not keep the others running. */
async function stopAll(stack: Undo[], log: Logger): Promise<void> {
  for (const undo of stack.reverse()) {
    await undo().catch((error: unknown) => log.error({ err: error }, 'a part did not stop cleanly'))
  }
}

/** Progress is for people and goes to standard error; standard output has the ready line alone. */
function say(what: string): void {
  process.stderr.write(`redtrove: ${what} ...\n`)
}
