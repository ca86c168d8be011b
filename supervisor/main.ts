/*
 * `npm start`: the whole service of one machine. Everything that is started is put on a stack and stopped in reverse order; a
 * second start on the same state directory is refused; what a killed supervisor left is stopped (broker, api, taskmanager) or
 * taken over (guests).
 */
import { mkdirSync } from 'node:fs'
import { messageOf } from '../common/errors.js'
import { writeSecretFile } from '../common/files/secret-file.js'
import { type Stop, untilStopped } from '../common/lifecycle.js'
import { createLogger, type Logger } from '../common/log.js'
import { holdFolder } from '../common/processes/exclusive-name.js'
import { masterKey } from '../common/secrets/master-key.js'
import { staticTokens } from '../common/secrets/tokens.js'
import {
  keyFilesOf,
  programEnvironment,
  readSettings,
  type Settings,
  stateLayout,
} from '../common/settings/settings.js'
import { type OpenedHost, openHost } from '../host/open-host.js'
import { serveHost } from '../host/serve.js'
import { withoutAccount } from '../wire/broker/account.js'
import { keepBroker } from './broker/keep-broker.js'
import { type KeptChild, keepChild } from './child.js'
import { type ClientFacts, clientFacts, writeClientRc } from './client-rc.js'

/** Something that was started, and how to stop it. */
interface Part {
  readonly what: string
  readonly stop: () => Promise<void>
}

/**
 * Answers under way at one time are some megabytes of text and rows: in a young generation of the usual size they outlive it, and
 * every few seconds all requests wait for the old one to be cleared (docs/performance.md).
 */
const API_MEMORY = ['--max-semi-space-size=64']

/** What a start works with. */
interface Start {
  readonly settings: Settings
  readonly script: string
  readonly log: Logger
  readonly stop: Stop
  /** What was started so far and runs still. */
  readonly stack: Part[]
}

/**
 * Runs everything until a signal, or the end of what started this. However often it is told to stop, it ends when everything has stopped.
 * `script` is this program's own file, to run its other parts.
 */
export async function main({ script }: { readonly script: string }): Promise<void> {
  const stack: Part[] = []
  const stop = untilStopped(() => say(stillStopping(stack.map(({ what }) => what))))
  const settings = readSettings()
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  for (const dir of [settings.REDTROVE_STATE_DIR, layout.run])
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  const release = await holdFolder('state', settings.REDTROVE_STATE_DIR)
  const log = createLogger('supervisor', settings.REDTROVE_LOG_LEVEL, layout.log('supervisor'))
  stack.push({ what: 'the lock of the state directory', stop: release })
  try {
    const facts = await startAll({ settings, script, log, stop, stack })
    process.stdout.write(readyLine(facts, layout.clientrc))
    await stop.requested
  } catch (error) {
    // Nobody waits any more for a start that was called off, whatever became of it.
    if (!stop.signal.aborted) throw error
    log.info({ reason: messageOf(error) }, 'start called off')
  } finally {
    if (stop.signal.aborted) say('stopping')
    await stopAll(stack, log)
  }
}

/** Each part is on the stack before the next one is started; at a stop it rejects, and starts nothing more. */
async function startAll({ settings, script, log, stop, stack }: Start): Promise<ClientFacts> {
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  const keyFiles = keyFilesOf(settings)
  await masterKey(keyFiles.masterKey)
  const tokens = staticTokens(keyFiles.tokens)
  const opening = await openHost(settings, [process.execPath, ...process.execArgv, script], log)
  const { host } = opening
  // A missing redis-server is said at once, not after the broker's ten seconds.
  await host.offers()
  let opened = false
  try {
    await startBroker({ settings, log, stop, stack }, opening)
  } finally {
    // Guests that a killed supervisor left go on serving when this start fails; who asks for a stop means them too.
    const stopGuests = async () => {
      if (opened || stop.signal.aborted) await host.stop()
    }
    stack.push({ what: 'the instances', stop: stopGuests })
  }
  stack.push({ what: 'the host part', stop: await serveHost(host, layout.hostSocket, log) })
  stop.signal.throwIfAborted()
  opened = true
  await host.open()
  const port = await startChildren({ settings, script, log, stop, stack })
  const facts = clientFacts(settings, port ?? settings.REDTROVE_API_PORT, tokens)
  writeClientRc(layout.clientrc, facts)
  return facts
}

/** Makes the file with the broker's address; a private broker keeps it true. */
async function startBroker(
  { settings, log, stop, stack }: Omit<Start, 'script'>,
  { host, brokerAddress: beside }: OpenedHost,
): Promise<void> {
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  let known = false
  const onUrl = (url: string, managementUrl?: string) => {
    if (managementUrl) writeSecretFile(layout.amqpManagementUrl, managementUrl)
    writeSecretFile(layout.amqpAddress, withoutAccount(url))
    writeSecretFile(layout.amqpUrl, url)
    // It has moved: guests that cannot read this file must be told.
    if (known)
      void host.open().catch((error: unknown) => log.error({ reason: messageOf(error) }, 'guests not told'))
    known = true
  }
  if (settings.REDTROVE_AMQP_URL) return onUrl(settings.REDTROVE_AMQP_URL)
  stop.signal.throwIfAborted()
  say('starting the message broker (about ten seconds)')
  const broker = await keepBroker({ dir: layout.broker, log, beside, onUrl, signal: stop.signal })
  stack.push({ what: 'the message broker', stop: broker.stop })
}

/** Resolves with the API's port once both serve. */
async function startChildren({ settings, script, log, stop, stack }: Start): Promise<number | null> {
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  const children: KeptChild[] = []
  const stopChildren = async () => {
    await Promise.all(children.map((child) => child.stop()))
  }
  stack.push({ what: 'the task manager and the API', stop: stopChildren })
  const onWaiting = sayOnce()
  const child = (part: string) => {
    const logFile = layout.log(part)
    const kept = keepChild({
      args: ['serve', part],
      nodeArgs: part === 'api' ? API_MEMORY : [],
      program: script,
      env: programEnvironment(),
      logFile,
      log,
      onWaiting: (waitingFor) => onWaiting(`waiting for ${waitingFor}; ${logFile} says why`),
    })
    children.push(kept)
    return kept.ready
  }
  say('starting the task manager and the API')
  const ready = Promise.all([child('api'), child('taskmanager')])
  const [{ port }] = await Promise.race([
    ready,
    stop.requested.then((): never => {
      throw stop.signal.reason
    }),
  ])
  return port
}

/** In reverse order of the start; one that fails does not keep the others running. What has stopped leaves the stack. */
async function stopAll(stack: Part[], log: Logger): Promise<void> {
  for (let part = stack.at(-1); part; part = stack.at(-1)) {
    const { what } = part
    await part
      .stop()
      .catch((error: unknown) => log.error({ part: what, err: error }, 'a part did not stop cleanly'))
    stack.pop()
  }
}

/** For who asks again; each part ends the slow ones of its own by force after seconds. */
function stillStopping(left: readonly string[]): string {
  return `still stopping ${[...left].reverse().join(', then ')}; kill -9 ${process.pid} would leave them running`
}

/** The token is shown to the person at a terminal; elsewhere output is kept, by a journal or in a file that others read. */
function readyLine(facts: ClientFacts, clientrc: string): string {
  const token = process.stdout.isTTY ? `token ${facts.token}` : `(its token is in ${clientrc})`
  return `redtrove ready: ${facts.url} ${token}\n`
}

/** Progress is for people and goes to standard error; standard output has the ready line alone. */
function say(what: string): void {
  process.stderr.write(`redtrove: ${what} ...\n`)
}

/** Says each thing the first time it is told. */
function sayOnce(): (what: string) => void {
  const said = new Set<string>()
  return (what) => {
    if (!said.has(what)) say(what)
    said.add(what)
  }
}
