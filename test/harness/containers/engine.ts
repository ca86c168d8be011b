/* A Docker Engine of the tests' own: its socket and state in a temporary folder, in the namespace that the tests run in. */
import { execFile, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { waitUntil } from '../../../common/wait-until.js'

/** Where one engine's things are. */
export interface EnginePlace {
  /** Sockets and pid file; short, for the length of a socket's path. */
  readonly runDir: string
  /** Images, containers, volumes; may be kept from run to run. */
  readonly dataDir: string
  /** A process in the namespaces that it runs in, when these are not ours: a machine of its own to all that can be seen. */
  readonly machinePid?: number
}

const run = promisify(execFile)
const START_MS_MAX = 60_000
const STOP_MS_MAX = 30_000

/** A place with a new folder for what does not stay. */
export function enginePlace(dataDir: string, machinePid?: number): EnginePlace {
  const runDir = mkdtempSync(join(tmpdir(), 'rt-docker-'))
  return machinePid === undefined ? { runDir, dataDir } : { runDir, dataDir, machinePid }
}

/** As DOCKER_HOST. */
export function hostOf({ runDir }: EnginePlace): string {
  return `unix://${join(runDir, 'docker.sock')}`
}

/** A client of it. */
export function clientOf({ runDir }: EnginePlace): Docker {
  return new Docker({ socketPath: join(runDir, 'docker.sock') })
}

/** Starts it, with a containerd of its own beside as a distribution would, and waits until it answers. */
export async function startEngine(place: EnginePlace): Promise<void> {
  const { runDir, dataDir } = place
  mkdirSync(dataDir, { recursive: true })
  const socket = join(runDir, 'containerd.sock')
  if (helpersOf(place, /containerd /).length === 0) {
    const [root, state] = [join(dataDir, 'containerd'), join(runDir, 'containerd')]
    launch(place, 'containerd', [`--root=${root}`, `--state=${state}`, `--address=${socket}`])
  }
  const client = clientOf(place)
  const failed = launch(place, 'dockerd', [
    `--data-root=${dataDir}`,
    `--exec-root=${join(runDir, 'exec')}`,
    `--pidfile=${pidFile(place)}`,
    `--host=${hostOf(place)}`,
    // Where others on its machine look for it.
    ...(place.machinePid === undefined ? [] : ['--host=unix:///var/run/docker.sock']),
    `--containerd=${socket}`,
    '--bridge=none',
  ])
  const answers = waitUntil(
    'the Docker Engine answers',
    () => client.ping().catch((error: unknown) => error),
    (answer) => !(answer instanceof Error),
    { timeoutMs: START_MS_MAX, pollMs: 50 },
  )
  await Promise.race([answers, failed])
}

/** Starts a program of the engine; rejects when it ends, which nobody has to wait for. */
function launch(place: EnginePlace, program: string, args: readonly string[]): Promise<never> {
  const log = openSync(join(place.runDir, 'log'), 'a')
  const { machinePid: machine } = place
  const inside = machine === undefined ? [] : ['nsenter', `--target=${machine}`, '--net', '--uts', '--mount']
  const [command = program, ...rest] = [...inside, program, ...args]
  const child = spawn(command, rest, { stdio: ['ignore', log, log] })
  closeSync(log)
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(new Error(`${program} ended with ${signal ?? code}: ${logOf(place).slice(-2000)}`)),
    )
  })
  ended.catch(() => undefined)
  return ended
}

/** SIGKILL to the engine alone: containers go on without it, as after a crash. */
export async function killEngine(place: EnginePlace): Promise<void> {
  const pid = enginePid(place)
  process.kill(pid, 'SIGKILL')
  await ended(pid)
}

/**
 * Everything on the engine's machine at once, as a power cut: the engine, its helpers and every process of every container get SIGKILL,
 * and nothing that only lives until a reboot stays. Unlike with a real one, what was written and not flushed is kept. Answers
 * with the number of processes.
 */
export async function losePower(place: EnginePlace): Promise<number> {
  const all = new Set([enginePid(place), ...helpersOf(place)].filter((pid) => pid > 0).flatMap(familyOf))
  for (const pid of all) killNow(pid)
  await waitUntil(
    'every process of the machine has ended',
    // A dead process that nobody has waited for has no working folder any more.
    () => [...all].filter((pid) => existsSync(`/proc/${pid}/cwd`)),
    (left) => left.length === 0,
    { timeoutMs: STOP_MS_MAX, pollMs: 50 },
  )
  for (const folder of [place.runDir, place.dataDir])
    for (const mount of mountsBelow(folder)) await run('umount', ['--lazy', mount])
  for (const name of readdirSync(place.runDir).filter((one) => one !== 'log'))
    rmSync(join(place.runDir, name), { recursive: true, force: true })
  return all.size
}

/** Ends it, its containers and all that came with it; its folder goes, its data stays. */
export async function stopEngine(place: EnginePlace): Promise<void> {
  const pid = enginePid(place)
  if (pid > 0) {
    process.kill(pid, 'SIGTERM')
    await ended(pid)
  }
  for (const helper of helpersOf(place)) process.kill(helper, 'SIGKILL')
  for (const mount of mountsBelow(place.runDir)) await run('umount', ['--lazy', mount])
  rmSync(place.runDir, { recursive: true, force: true })
}

/** What dockerd and containerd said. */
export function logOf({ runDir }: EnginePlace): string {
  const file = join(runDir, 'log')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function pidFile({ runDir }: EnginePlace): string {
  return join(runDir, 'pid')
}

function enginePid(place: EnginePlace): number {
  const pid = existsSync(pidFile(place)) ? Number(readFileSync(pidFile(place), 'utf8')) : 0
  return existsSync(`/proc/${pid}/stat`) ? pid : 0
}

async function ended(pid: number): Promise<void> {
  await waitUntil(
    `process ${pid} has ended`,
    () => existsSync(`/proc/${pid}/stat`),
    (there) => !there,
    { timeoutMs: STOP_MS_MAX, pollMs: 50 },
  )
}

/** A process and all that come from it, as far as they have not ended meanwhile. */
function familyOf(pid: number): readonly number[] {
  const file = `/proc/${pid}/task/${pid}/children`
  const children = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean) : []
  return [pid, ...children.map(Number).flatMap(familyOf)]
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended with the ones before it.
  }
}

/** Pids of containerd and its shims, which name the folder on their command lines. */
function helpersOf({ runDir }: EnginePlace, what = /./): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return line.includes(runDir) && what.test(line) ? [Number(name)] : []
      } catch {
        return []
      }
    })
}

/** Innermost first. */
function mountsBelow(folder: string): readonly string[] {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? [])
  return points.filter((point) => point.startsWith(`${folder}/`)).reverse()
}
