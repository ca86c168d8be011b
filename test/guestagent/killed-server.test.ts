/* What a killed redis-server leaves behind: a fault, children of its own that still write, and their half-written files. */
import { readdirSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { processesIn } from '../../guestagent/server/left-overs.js'
import { type Guest, guestYard } from '../harness/guest.js'

const yard = guestYard()
afterEach(yard.removeAll)

/** Half-written files of saves, rewrites and copies. */
const temporaries = (guest: Guest) => readdirSync(guest.paths.data).filter((name) => name.startsWith('temp-'))

/** A child of the server that saves or rewrites, and will not be ready in this test's life. */
async function endlessChild(guest: Guest, command: 'bgsave' | 'bgrewriteaof'): Promise<void> {
  const root = guest.root()
  await root.call('config', 'set', 'rdb-key-save-delay', '10000000')
  await root.call(command)
  await waitUntil(
    'the child writes',
    () => [temporaries(guest).length, processesIn(guest.paths.data).length],
    ([files, all]) => files === 1 && all === 2,
    {
      timeoutMs: 10_000,
      pollMs: 10,
    },
  )
  root.disconnect()
}

async function kill(guest: Guest): Promise<void> {
  const pid = guest.serverPid()
  process.kill(pid, 'SIGKILL')
  await guest.until('another one serves', (seen) => seen.service === 'running' && seen.serverPid !== pid)
  await guest.ready()
}

describe('a redis-server that is killed', () => {
  it.each(['bgsave', 'bgrewriteaof'] as const)(
    'takes its child along when that is busy with %s, and what the child wrote',
    async (command) => {
      const guest = await yard.source()
      await guest.client().mset('a', '1', 'b', '2', 'c', '3')
      await endlessChild(guest, command)
      await kill(guest)
      expect(processesIn(guest.paths.data).map(({ pid }) => pid)).toEqual([guest.serverPid()])
      expect(temporaries(guest)).toEqual([])
      expect(await guest.client().set('d', '4')).toBe('OK')
    },
  )

  it('leaves neither child nor half-written files when its agent died with it', async () => {
    const guest = await yard.source()
    await guest.client().mset('a', '1', 'b', '2')
    await endlessChild(guest, 'bgsave')
    await guest.closeAgent()
    process.kill(guest.serverPid(), 'SIGKILL')
    await guest.openAgent()
    await guest.ready()
    expect(processesIn(guest.paths.data)).toHaveLength(1)
    expect(temporaries(guest)).toEqual([])
  })

  it('is said to have been killed, and its start banner is not quoted', async () => {
    const guest = await yard.source()
    for (let n = 0; n < 2; n++) await kill(guest)
    process.kill(guest.serverPid(), 'SIGKILL')
    const { fault } = await guest.until('it gives up', ({ service }) => service === 'crashed')
    expect(fault).toMatch(/^redis-server crashed three times within a minute .*: it was killed \(SIGKILL\)/)
    expect(fault).not.toMatch(/oO0Oo|Redis version|Configuration loaded/)
  })
})
