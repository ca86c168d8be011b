/* The whole service as a user starts it: a process of its own on a temporary state directory, stopped and checked at the end. */

import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { waitUntil } from '../../common/wait-until.js'
import type { Endpoint } from '../../domain/instance/endpoint.js'
import { clientRcOf } from './client-rc.js'
import { tellLogs, tellOperations, witness } from './evidence.js'
import { type TroveClient, troveClient } from './trove-client.js'

const run = promisify(execFile)

/** The build, as users run it; `npm test` makes it first. */
export const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'bin', 'redtrove.js')
const READY = /^redtrove ready: (\S+) \(its token is in (.+)\)$/
const READY_MS_MAX = 90_000
const STOP_MS_MAX = 60_000

export interface StackOptions {
  readonly env?: Readonly<Record<string, string>>
  /** An existing one is used and kept; else a temporary one is made and removed. */
  readonly stateDir?: string
  /** Runs it in the network of this process. */
  readonly networkOfPid?: number
  readonly reach?: Stack['reach']
  /** Whom to trust for an API by HTTPS, PEM. */
  readonly ca?: string
}

export interface Stack {
  readonly url: string
  readonly token: string
  readonly stateDir: string
  readonly clientrc: string
  readonly client: TroveClient
  /** Where a test reaches an instance; as the API says, unless instances are in a network of their own. */
  reach(endpoint: Endpoint): Promise<Endpoint>
  /** The supervisor. */
  readonly pid: number
  /** Pid of `serve PART` of this stack, or 0. */
  partPid(part: string): number
  guest(instanceId: string): { readonly agentPid: number; readonly serverPid: number }
  /** Agent and redis-server, as a frozen host would freeze them. */
  guestPids(instanceId: string): readonly number[]
  /** A command over the agent's own account, as somebody with root on the host could give it. */
  asAgent(instanceId: string, command: readonly string[]): Promise<string>
  /** Stops it and fails when a process is left. */
  stop(): Promise<void>
}

/** Starts it and waits for the ready line. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'redtrove-test-'))
  const { networkOfPid: machine } = options
  const inside = machine === undefined ? [] : ['nsenter', `--target=${machine}`, '--net']
  const [command = '', ...args] = [...inside, process.execPath, PROGRAM, 'serve', 'all']
  const child = spawn(command, args, {
    env: { ...process.env, REDTROVE_API_PORT: '0', ...options.env, REDTROVE_STATE_DIR: stateDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = `${complaints}${chunk}`.slice(-4000)
  })
  const ready = new Promise<{ url: string; token: string }>((resolve, reject) => {
    child.once('exit', (code, signal) =>
      reject(new Error(`serve all ended with ${signal ?? code}: ${complaints}`)),
    )
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = READY.exec(line)
      if (found?.[1]) resolve({ url: found[1], token: clientRcOf(stateDir).token })
    })
    setTimeout(
      () => reject(new Error(`serve all was not ready in time: ${complaints}`)),
      READY_MS_MAX,
    ).unref()
  })
  const { url, token } = await ready.catch((error: unknown) => {
    child.kill('SIGTERM')
    throw error
  })
  const client = troveClient(url, token, options.ca)
  const forget = [
    witness(`operations and instances of ${url}`, () => tellOperations(client)),
    witness(`logs of ${stateDir}`, () => tellLogs(stateDir)),
  ]
  const guestDir = (id: string) => join(stateDir, 'guests', id)
  const pidIn = (id: string, file: string) =>
    Number(readFileSync(join(guestDir(id), file), 'utf8').split(' ')[0])
  const guest = (id: string) => ({ agentPid: pidIn(id, 'agent.pid'), serverPid: pidIn(id, 'server.pid') })
  return {
    url,
    token,
    stateDir,
    clientrc: join(stateDir, 'clientrc'),
    client,
    reach: options.reach ?? (async (endpoint) => endpoint),
    pid: child.pid ?? 0,
    partPid: (part) =>
      processesOf(stateDir).find(({ line }) => line.includes(`redtrove.js serve ${part}`))?.pid ?? 0,
    guest,
    guestPids: (id) => Object.values(guest(id)),
    asAgent: async (id, command) => {
      const password = readFileSync(join(guestDir(id), 'agent.secret'), 'utf8').trim()
      const socket = join(guestDir(id), 'redis.sock')
      const args = ['-s', socket, '--user', 'agent', '--no-auth-warning', ...command]
      return (
        await run('redis-cli', args, { env: { ...process.env, REDISCLI_AUTH: password }, timeout: 5_000 })
      ).stdout.trim()
    },
    stop: async () => {
      for (const one of forget) one()
      child.kill('SIGTERM')
      await waitUntil(
        'the service has stopped',
        () => child.exitCode ?? child.signalCode,
        (ended) => ended !== null,
        {
          timeoutMs: STOP_MS_MAX,
        },
      )
      await expectNothingLeft(stateDir)
      if (options.stateDir === undefined) rmSync(stateDir, { recursive: true, force: true })
    },
  }
}

/** Fails when a process still works in the state directory or was started for it. */
export async function expectNothingLeft(stateDir: string): Promise<void> {
  await waitUntil(
    'no process of the service is left',
    () => processesOf(stateDir),
    (left) => left.length === 0,
    {
      timeoutMs: 5_000,
      pollMs: 50,
      describe: (left) => left.map(({ pid, line }) => `${pid} ${line}`).join('; '),
    },
  )
}

/** Processes that work in the state directory, name it on their command line, or have it in their environment. */
export function processesOf(stateDir: string): readonly { readonly pid: number; readonly line: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        const inside = readlinkSync(`/proc/${name}/cwd`).startsWith(stateDir)
        const started = readFileSync(`/proc/${name}/environ`, 'utf8').includes(
          `REDTROVE_STATE_DIR=${stateDir}\0`,
        )
        return inside || started || line.includes(stateDir) ? [{ pid: Number(name), line }] : []
      } catch {
        return []
      }
    })
}
