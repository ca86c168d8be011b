import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { programEnvironment } from '../common/settings/settings.js'
import { waitUntil } from '../common/wait-until.js'

/** The service, started as a user would start it, on a state directory of its own. */
export interface Service {
  readonly url: string
  readonly token: string
  readonly stateDir: string
  readonly pid: number
  /** Agent and redis-server of an instance, as their pid files say. */
  pidsOf(instanceId: string): { readonly agent: number; readonly server: number }
  /** Stops everything and removes the state; answers with what is still running, which should be nothing. */
  stop(): Promise<readonly string[]>
}

const READY = /^redtrove ready: (\S+) /

/** How it is started. */
export interface ServiceOptions {
  /** It goes on when this process has ended. */
  readonly outlives: boolean
  /** Aborts the start, and then nothing is left of it. */
  readonly signal: AbortSignal
}

/** Starts `serve all` with its state in a temporary folder. */
export async function startService(
  script: string,
  env: NodeJS.ProcessEnv,
  { outlives, signal }: ServiceOptions,
): Promise<Service> {
  const stateDir = mkdtempSync(join(tmpdir(), 'redtrove-demo-'))
  const child = spawn(process.execPath, [...process.execArgv, script, 'serve', 'all'], {
    env: {
      ...programEnvironment(env),
      REDTROVE_STATE_DIR: stateDir,
      REDTROVE_API_PORT: env.REDTROVE_API_PORT ?? '0',
      // The demo stays on the loopback and shows its own requests; a certificate is for somebody else's.
      REDTROVE_API_CERT_FILE: undefined,
      REDTROVE_API_KEY_FILE: undefined,
    },
    // A group of its own, so that ^C reaches the demo alone, which then stops it in order.
    detached: true,
    // By the end of the channel it learns that the demo is gone, however that died.
    stdio: ['ignore', 'pipe', outlives ? 'ignore' : 'inherit', ...(outlives ? [] : (['ipc'] as const))],
  })
  const remove = () => rmSync(stateDir, { recursive: true, force: true })
  const facts = await readyFacts(child, stateDir, signal).catch(async (error: unknown) => {
    await stopChild(child)
    // The logs of a start that failed are kept.
    if (signal.aborted) remove()
    throw error
  })
  child.stdout?.destroy()
  if (outlives) child.unref()
  return {
    ...facts,
    stateDir,
    pid: child.pid ?? 0,
    pidsOf: (id) => ({ agent: pidIn(stateDir, id, 'agent.pid'), server: pidIn(stateDir, id, 'server.pid') }),
    stop: async () => {
      await stopChild(child)
      const left = runningIn(stateDir)
      remove()
      return left
    },
  }
}

function readyFacts(
  child: ChildProcess,
  stateDir: string,
  signal: AbortSignal,
): Promise<{ url: string; token: string }> {
  return new Promise((resolve, reject) => {
    const stopped = () => reject(new Error('it was told to stop'))
    if (signal.aborted) return stopped()
    signal.addEventListener('abort', stopped, { once: true })
    child.once('error', reject)
    child.once('exit', (code) =>
      reject(new Error(`The service did not start (exit code ${code}); it says why above.`)),
    )
    if (!child.stdout) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, url] = READY.exec(line) ?? []
      if (url) resolve({ url, token: tokenIn(join(stateDir, 'clientrc')) })
    })
  })
}

/** The ready line has no token, since what is printed may be kept for long. */
function tokenIn(clientrc: string): string {
  return /^export REDTROVE_TOKEN='(.*)'$/m.exec(readFileSync(clientrc, 'utf8'))?.[1] ?? ''
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await waitUntil(
    'the service has stopped',
    () => child.exitCode ?? child.signalCode,
    (ended) => ended !== null,
    { timeoutMs: 60_000 },
  )
}

function pidIn(stateDir: string, instanceId: string, file: string): number {
  return Number(
    readFileSync(join(stateDir, 'guests', instanceId, file), 'utf8')
      .trim()
      .split(' ')[0],
  )
}

/** Processes that work in the state directory or name it on their command line. */
function runningIn(stateDir: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        const inside = readlinkSync(`/proc/${pid}/cwd`).startsWith(stateDir)
        return inside || line.includes(stateDir) ? [`${pid} ${line.slice(0, 120)}`] : []
      } catch {
        return []
      }
    })
}
