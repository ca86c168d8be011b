import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { RedtroveError } from '../../common/errors.js'
import { guestEnvironment } from '../../common/settings/settings.js'
import { parseServerVersion, type ServerVersion } from '../../domain/datastore/server-version.js'

const run = promisify(execFile)
const PROBE_TIMEOUT_MS = 5_000

/** Asks the program for its version. Fails with `guest_failed` when it is missing, cannot be run, or says no version. */
export async function probeServerVersion(program: string): Promise<ServerVersion> {
  let output: string
  try {
    const options = { timeout: PROBE_TIMEOUT_MS, maxBuffer: 64 * 1024, env: guestEnvironment() }
    output = (await run(program, ['--version'], options)).stdout
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException // execFile's errors carry a code
    const why =
      code === 'ENOENT' ? 'is not installed' : code === 'EACCES' ? 'may not be run' : 'does not start'
    throw new RedtroveError(
      'guest_failed',
      `${program} ${why}; install Redis or set REDTROVE_REDIS_SERVER.`,
      {
        cause,
      },
    )
  }
  const version = parseServerVersion(/v=\S+/.exec(output)?.[0] ?? output)
  if (version) return version
  throw new RedtroveError('guest_failed', `${program} --version says no version; is it a redis-server?`)
}
