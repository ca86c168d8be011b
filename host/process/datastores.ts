import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { RedtroveError } from '../../common/errors.js'
import { guestEnvironment } from '../../common/settings/settings.js'
import type { DatastoreOffer } from '../../domain/datastore/offer.js'
import {
  formatServerVersion,
  isAtLeast,
  OLDEST_SERVER,
  parseServerVersion,
} from '../../domain/datastore/server-version.js'

const run = promisify(execFile)

/** What the configured server program can serve. Fails with `unavailable` and what to do when it is missing or too old. */
export async function offersOf(program: string): Promise<readonly DatastoreOffer[]> {
  const output = await run(program, ['--version'], { timeout: 5_000, env: guestEnvironment() }).then(
    ({ stdout }) => stdout,
    (cause) => {
      throw new RedtroveError(
        'unavailable',
        `${program} cannot be run: install Redis (apt-get install redis-server) or set REDTROVE_REDIS_SERVER.`,
        { cause },
      )
    },
  )
  const found = /^(Redis|Valkey) server v=(\d+\.\d+\.\d+)/i.exec(output)
  if (!found)
    throw new RedtroveError(
      'unavailable',
      `${program} --version says neither Redis nor Valkey; set REDTROVE_REDIS_SERVER.`,
    )
  const version = parseServerVersion(found[2] ?? '')
  if (!version || !isAtLeast(version, formatServerVersion(OLDEST_SERVER))) {
    throw new RedtroveError(
      'unavailable',
      `${program} is version ${found[2]}; replication needs 2.8 or later.`,
    )
  }
  const datastore = found[1]?.toLowerCase() === 'valkey' ? 'valkey' : 'redis'
  return [{ datastore, name: `${version.major}.${version.minor}`, version: formatServerVersion(version) }]
}
