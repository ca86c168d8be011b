import { spawn } from 'node:child_process'

const CHECK_MS_MAX = 60_000
const OUTPUT_BYTES_MAX = 256 * 1024

/** How far an append-only file, or a part of it, can be loaded. */
export interface CheckedPart {
  readonly name: string
  readonly bytes: number
  /** Bytes from its beginning that are whole commands. */
  readonly wholeBytes: number
}

/**
 * What redis-check-aof says of a manifest, or of an append-only file of one part: each part that it looked at, in the order in which they are
 * loaded. It stops at the first that is damaged, and names no base that cannot be read.
 */
export async function checkAppendOnly(program: string, path: string): Promise<readonly CheckedPart[]> {
  const { output } = await runAs('check-aof', program, path)
  const analyzed = /AOF analyzed: (?:filename=(\S+), )?size=(\d+), ok_up_to=(\d+)/g
  return [...output.matchAll(analyzed)].map(([, name, bytes, whole]) => ({
    name: name ?? '',
    bytes: Number(bytes),
    wholeBytes: Number(whole),
  }))
}

/** Whether redis-check-rdb takes the file for whole, by its checksum too. */
export async function isWholeRdb(program: string, path: string): Promise<boolean> {
  const { code } = await runAs('check-rdb', program, path)
  return code === 0
}

/** Both checkers are redis-server itself, called by another name; they are not installed beside it everywhere. */
function runAs(
  checker: 'check-aof' | 'check-rdb',
  program: string,
  path: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const family = /valkey/.test(program) ? 'valkey' : 'redis'
  return new Promise((resolve) => {
    const child = spawn(program, [path], {
      argv0: `${family}-${checker}`,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: CHECK_MS_MAX,
      killSignal: 'SIGKILL',
    })
    let output = ''
    child.stdout.on('data', (bytes: Buffer) => {
      output = (output + bytes.toString('latin1')).slice(-OUTPUT_BYTES_MAX)
    })
    child.once('error', () => resolve({ code: null, output }))
    child.once('close', (code) => resolve({ code, output }))
  })
}
