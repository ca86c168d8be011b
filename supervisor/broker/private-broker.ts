import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { messageOf, RedtroveError } from '../../common/errors.js'
import { writeSecretFile } from '../../common/files/secret-file.js'
import type { Logger } from '../../common/log.js'
import { guestEnvironment, searchPath } from '../../common/settings/settings.js'
import { waitUntil } from '../../common/wait-until.js'
import { probeBroker } from '../../wire/broker/session.js'
import { brokerEnvironment, brokerFiles, PLUGINS, renderConfig } from './config.js'
import { type BrokerIdentity, brokerIdentity } from './identity.js'
import { type BrokerInstall, findBroker } from './install.js'
import { endLeftovers, endProcess, recordProcesses } from './processes.js'
import { dropStatisticsHandler } from './statistics-handler.js'

/** Where and how a private broker is started. */
export interface PrivateBrokerOptions {
  /** Its own folder; a start on the same folder finds the same queues. */
  readonly dir: string
  readonly log: Logger
  /** Address of this machine, besides 127.0.0.1, where it listens; on the same port. */
  readonly beside?: string | null
  /** Lines of the broker's log while it starts. */
  readonly onLine?: (line: string) => void
  /** How long it may take until it accepts a connection. */
  readonly startMs?: number
  /** Folders to look for rabbitmq-server and epmd in. */
  readonly path?: string
  /** Aborts the start. */
  readonly signal?: AbortSignal
}

/** A broker that runs, and the way to end it. */
export interface PrivateBroker {
  /** With the password; never log it. */
  readonly url: string
  /** Its HTTP API, with the password as well. */
  readonly managementUrl: string
  readonly pid: number
  /** Resolves when the broker's process has ended, however that came. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>
  /** Ends the broker and everything that came with it. Repeatable. */
  stop(): Promise<void>
}

/**
 * Runs a rabbitmq-server of our own on the loopback and resolves once it accepts our credentials.
 * Fails with `unavailable` (not installed; did not start, with the end of its log) or `conflict` (another supervisor has it).
 * A start that is aborted leaves nothing running.
 */
export async function startPrivateBroker(options: PrivateBrokerOptions): Promise<PrivateBroker> {
  const { log, startMs = 90_000, signal } = options
  const dir = resolve(options.dir)
  const path = options.path ?? searchPath()
  const install = findBroker(path)
  const identity = await claimFolder(dir)
  writeFiles(dir, identity, options.beside ?? null)
  signal?.throwIfAborted()
  const broker = await launch(install, identity, dir, path)
  try {
    log.info({ node: identity.node, brokerPid: broker.pid, port: identity.ports.amqp }, 'broker starting')
    await accepts(broker, dir, { ...options, startMs })
    log.info({ brokerPid: broker.pid }, 'broker ready')
    return broker
  } catch (error) {
    await broker.stop()
    throw error
  }
}

/** Leftovers first: they hold the ports that the identity names. */
async function claimFolder(dir: string): Promise<BrokerIdentity> {
  mkdirSync(brokerFiles(dir).logs, { recursive: true, mode: 0o700 })
  chmodSync(dir, 0o700)
  await endLeftovers(dir)
  return brokerIdentity(dir)
}

function writeFiles(dir: string, identity: BrokerIdentity, beside: string | null): void {
  const files = brokerFiles(dir)
  writeSecretFile(files.config, renderConfig(identity, dir, beside))
  writeFileSync(files.plugins, PLUGINS)
  writeFileSync(files.log, '')
}

async function launch(
  install: BrokerInstall,
  identity: BrokerIdentity,
  dir: string,
  path: string,
): Promise<PrivateBroker> {
  const env = { ...guestEnvironment(), ...brokerEnvironment(identity, dir, path) }
  const output = openSync(brokerFiles(dir).console, 'w', 0o600)
  // A process group of their own: ^C in a terminal is for the supervisor, which then stops them in order.
  const start = (file: string, args: string[]) =>
    spawn(file, args, { cwd: dir, env, detached: true, stdio: ['ignore', output, output] })
  try {
    const epmd = start(install.epmd, ['-port', String(identity.ports.epmd), '-address', '127.0.0.1'])
    const epmdPid = await pidOf(epmd)
    const beam = start(install.server, [])
    beam.once('exit', () => epmd.kill('SIGTERM'))
    beam.once('error', () => epmd.kill('SIGTERM'))
    const pid = await pidOf(beam)
    recordProcesses(dir, { beam: pid, epmd: epmdPid, epmdPort: identity.ports.epmd })
    const beforeStop = () => dropStatisticsHandler(install.erlCall, dir, identity)
    return running({ beam, epmd, pid, beforeStop }, identity)
  } finally {
    closeSync(output)
  }
}

async function pidOf(child: ChildProcess): Promise<number> {
  if (child.pid !== undefined) return child.pid
  const [error] = await once(child, 'error')
  throw new RedtroveError('unavailable', `The private broker cannot be started: ${messageOf(error)}.`)
}

interface Started {
  readonly beam: ChildProcess
  readonly epmd: ChildProcess
  /** Of the emulator. */
  readonly pid: number
  beforeStop(): Promise<void>
}

function running(
  { beam, epmd, pid, beforeStop }: Started,
  { user, password, ports }: BrokerIdentity,
): PrivateBroker {
  const isThere = (child: ChildProcess) => child.exitCode === null && child.signalCode === null
  return {
    url: `amqp://${user}:${encodeURIComponent(password)}@127.0.0.1:${ports.amqp}/%2F`,
    managementUrl: `http://${user}:${encodeURIComponent(password)}@127.0.0.1:${ports.http}`,
    pid,
    exited: new Promise((resolve) => beam.once('exit', (code, signal) => resolve({ code, signal }))),
    stop: async () => {
      if (isThere(beam)) {
        await beforeStop()
        await endProcess(pid, () => isThere(beam))
      }
      if (epmd.pid !== undefined && isThere(epmd)) await endProcess(epmd.pid, () => isThere(epmd), 2_000)
    },
  }
}

async function accepts(
  broker: PrivateBroker,
  dir: string,
  { startMs, onLine, signal }: Pick<PrivateBrokerOptions, 'onLine' | 'signal'> & { startMs: number },
): Promise<void> {
  const ended = new AbortController()
  const showNew = lineReader(brokerFiles(dir).log, onLine)
  void broker.exited.then(({ code, signal }) => ended.abort(`It ended with ${signal ?? `code ${code}`}`))
  try {
    await waitUntil('the private broker accepts a connection', look, Boolean, {
      timeoutMs: startMs,
      pollMs: 50,
      signal: signal ? AbortSignal.any([ended.signal, signal]) : ended.signal,
      kind: 'unavailable',
    })
  } catch (error) {
    signal?.throwIfAborted()
    const why = ended.signal.aborted ? String(ended.signal.reason) : messageOf(error).replace(/\.$/, '')
    throw new RedtroveError('unavailable', `The private broker did not start. ${why}. ${lastWords(dir)}`, {
      cause: error,
    })
  }

  async function look(): Promise<boolean> {
    showNew()
    await probeBroker(broker.url)
    showNew()
    return true
  }
}

/** Gives each complete line of a growing file once. */
function lineReader(file: string, onLine: ((line: string) => void) | undefined): () => void {
  let shown = 0
  return () => {
    if (!onLine) return
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    for (const line of lines.slice(shown)) onLine(line)
    shown = Math.max(shown, lines.length)
  }
}

function lastWords(dir: string): string {
  const { log, console } = brokerFiles(dir)
  const lines = [log, console].flatMap((file) => readFileSync(file, 'utf8').trim().split('\n').slice(-10))
  return `Its last words (${log}): ${lines.filter(Boolean).join(' | ').slice(-2000) || 'none'}`
}
