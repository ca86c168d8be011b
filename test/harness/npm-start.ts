/* `npm start` as a person runs it: npm, the script that it runs, and the program that the script runs, in one process group. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentOf } from '../../common/processes/process-identity.js'
import { waitUntil } from '../../common/wait-until.js'

const ROOT = join(import.meta.dirname, '..', '..')
const READY_MS_MAX = 90_000

export interface NpmStart {
  /** All of one process group, whose number is npm's. */
  readonly npm: number
  /** `node scripts/start.mjs`. */
  readonly script: number
  /** `redtrove serve all`. */
  readonly program: number
  /** Everything printed so far. */
  output(): string
  /** Waits until none of the three is left. */
  ended(timeoutMs?: number): Promise<void>
}

/** Starts it and waits for the ready line. `terminal`: in a terminal of its own, which closes when the returned process `holder` is killed. */
export async function npmStart(
  env: Readonly<Record<string, string>>,
  { terminal = false } = {},
): Promise<NpmStart & { readonly holder: number }> {
  // Not silent by its own flag: the command is what a person types.
  const command = ['npm', 'start']
  const [program = '', ...args] = terminal ? ['script', '-qec', command.join(' '), '/dev/null'] : command
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, REDTROVE_API_PORT: '0', ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  await waitUntil('npm start is ready', () => /^redtrove ready: /m.test(output), Boolean, {
    timeoutMs: READY_MS_MAX,
    describe: () => output,
  })
  const own = processesUnder(child.pid ?? 0)
  const find = (part: string) => own.find(({ line }) => line.includes(part))?.pid ?? 0
  const [npm, script, service] = [find('npm start'), find('scripts/start.mjs'), find('serve all')]
  // With a terminal the first whose line says `npm start` is the holder.
  const inside = own.filter(({ line, pid }) => line.startsWith('npm start') && pid !== child.pid)[0]?.pid
  return {
    holder: child.pid ?? 0,
    npm: terminal ? (inside ?? 0) : npm,
    script,
    program: service,
    output: () => output,
    ended: async (timeoutMs = 20_000) => {
      await waitUntil(
        'npm, its script and the service have ended',
        () => [npm, script, service].filter((pid) => parentOf(pid) !== null),
        (left) => left.length === 0,
        { timeoutMs, describe: (left) => `${left.join(', ')} run; ${output}` },
      )
    },
  }
}

/** This process and those that descend from it. */
function processesUnder(top: number): readonly { readonly pid: number; readonly line: string }[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(Number(name)), line: lineOf(name) }))
  const under = (pid: number): typeof all =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...under(child.pid)])
  return [...all.filter(({ pid }) => pid === top), ...under(top)]
}

function lineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
