import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { RedtroveError } from '../../common/errors.js'
import { writeSecretFile } from '../../common/files/secret-file.js'
import { waitUntil } from '../../common/wait-until.js'
import { brokerFiles } from './config.js'

const ASK_AGAIN_MS = 1_000

const recordSchema = z.object({
  /** Who started them; the start time tells it from a later process with the same pid. */
  owner: z.object({ pid: z.int(), startedAt: z.string() }),
  beam: z.int(),
  epmd: z.int(),
  epmdPort: z.int(),
})

/** What one private broker consists of. */
export interface BrokerProcesses {
  /** Pid of the emulator, which is the broker. */
  readonly beam: number
  /** Pid of the port mapper that only this broker uses, and its port. */
  readonly epmd: number
  readonly epmdPort: number
}

/** Notes which processes belong to the broker in `dir`, for a supervisor that comes after a killed one. */
export function recordProcesses(dir: string, processes: BrokerProcesses): void {
  const owner = { pid: process.pid, startedAt: startTime(process.pid) ?? '' }
  writeSecretFile(brokerFiles(dir).processes, `${JSON.stringify({ owner, ...processes })}\n`)
}

/**
 * Ends what a killed supervisor left of the broker in `dir`. A recorded pid is believed only when its command line is that of this
 * very broker. Fails with `conflict` when its supervisor is alive.
 */
export async function endLeftovers(dir: string): Promise<void> {
  const record = readRecord(brokerFiles(dir).processes)
  if (record) await endRecorded(dir, record)
  await endStragglers(dir)
}

async function endRecorded(
  dir: string,
  { owner, beam, epmd, epmdPort }: z.output<typeof recordSchema>,
): Promise<void> {
  const beamLeft = isBeamOf(beam, dir)
  const epmdLeft = isEpmdOf(epmd, epmdPort)
  if (beamLeft && owner.pid !== process.pid && startTime(owner.pid) === owner.startedAt) {
    throw new RedtroveError(
      'conflict',
      `The private broker in ${dir} belongs to process ${owner.pid}, which is still running: stop that one first, or use another state directory.`,
    )
  }
  if (beamLeft) await endProcess(beam, () => isBeamOf(beam, dir))
  if (epmdLeft) await endProcess(epmd, () => isEpmdOf(epmd, epmdPort))
}

/**
 * A supervisor that was killed while its broker was starting leaves processes that no record names and that do not look like a
 * broker yet. What they all have is this folder as their home.
 */
async function endStragglers(dir: string): Promise<void> {
  await waitUntil(
    `no process of the broker in ${dir} is left`,
    () => {
      const left = processesAtHome(dir)
      for (const pid of left) signal(pid, 'SIGKILL')
      return left
    },
    (left) => left.length === 0,
    { timeoutMs: 5_000, kind: 'unavailable' },
  )
}

function processesAtHome(dir: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => environmentOf(name).includes(`HOME=${dir}`))
    .map(Number)
}

/** Empty when there is no such process, or it is another user's. */
function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/**
 * SIGTERM each second, since a broker that has just been started does not hear the first one, and after `graceMs` SIGKILL; resolves
 * once `isThere` says no. Fails with `unavailable` when even that does not end it.
 */
export async function endProcess(pid: number, isThere: () => boolean, graceMs = 15_000): Promise<void> {
  const gone = (timeoutMs: number) =>
    waitUntil(`process ${pid} is gone`, isThere, (there) => !there, { timeoutMs, kind: 'unavailable' })
  const asking = setInterval(() => signal(pid, 'SIGTERM'), ASK_AGAIN_MS)
  signal(pid, 'SIGTERM')
  await gone(graceMs)
    .catch(async () => {
      signal(pid, 'SIGKILL')
      await gone(5_000)
    })
    .finally(() => clearInterval(asking))
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already: what we wanted.
  }
}

function readRecord(file: string): z.output<typeof recordSchema> | undefined {
  if (!existsSync(file)) return undefined
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    // Torn by a crash of the machine, and then its processes are gone too.
    return undefined
  }
}

function isBeamOf(pid: number, dir: string): boolean {
  const args = commandLine(pid)
  return (args[0] ?? '').includes('beam') && args[args.indexOf('-home') + 1] === dir
}

function isEpmdOf(pid: number, port: number): boolean {
  const args = commandLine(pid)
  return (args[0] ?? '').endsWith('epmd') && args[args.indexOf('-port') + 1] === String(port)
}

/** Empty when there is no such process, or only what remains of one until its parent has asked. */
function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** Ticks since boot at which the process began (field 22 of its stat file; the name before it may hold blanks and brackets). */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
