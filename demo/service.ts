import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
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

const READY = /^redtrove ready: (\S+) token (\S+)$/

/** Starts `serve all` with its state in a temporary folder. `detached`: it outlives this process. */
export async function startService(
  script: string,
  env: NodeJS.ProcessEnv,
  detached: boolean,
): Promise<Service> {
  const stateDir = mkdtempSync(join(tmpdir(), 'redtrove-demo-'))
  const child = spawn(process.execPath, [...process.execArgv, script, 'serve', 'all'], {
    env: {
      ...env,
      REDTROVE_STATE_DIR: stateDir,
      REDTROVE_API_PORT: env.REDTROVE_API_PORT ?? '0',
      // The demo stays on the loopback and shows its own requests; a certificate is for somebody else's.
      REDTROVE_API_CERT_FILE: undefined,
      REDTROVE_API_KEY_FILE: undefined,
    },
    // A group of its own, so that ^C reaches the demo alone, which then stops it in order.
    detached: true,
    stdio: ['ignore', 'pipe', detached ? 'ignore' : 'inherit'],
  })
  const { url, token } = await readyLine(child)
  child.stdout?.destroy()
  if (detached) child.unref()
  return {
    url,
    token,
    stateDir,
    pid: child.pid ?? 0,
    pidsOf: (id) => ({ agent: pidIn(stateDir, id, 'agent.pid'), server: pidIn(stateDir, id, 'server.pid') }),
    stop: async () => {
      await stopChild(child)
      const left = runningIn(stateDir)
      rmSync(stateDir, { recursive: true, force: true })
      return left
    },
  }
}

function readyLine(child: ChildProcess): Promise<{ url: string; token: string }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) =>
      reject(new Error(`The service did not start (exit code ${code}); it says why above.`)),
    )
    if (!child.stdout) return
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = READY.exec(line)
      if (found?.[1] && found[2]) resolve({ url: found[1], token: found[2] })
    })
  })
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
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
