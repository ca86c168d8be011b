import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const LIMIT_TIMEOUT_MS = 5_000

/**
 * Bounds the memory that a running process of this agent's user may take for itself, in bytes, by `prlimit` (util-linux): what scripts take is in no figure
 * of Redis that can be bounded. A script that reaches it fails with `not enough memory`. May be repeated; fails when there is no
 * `prlimit`, or the process is gone.
 */
export async function limitProcessMemory(pid: number, bytes: number): Promise<void> {
  // The soft limit alone: only that can be raised again by a user without rights.
  await run('prlimit', ['--pid', String(pid), `--data=${bytes}:`], { timeout: LIMIT_TIMEOUT_MS })
}
