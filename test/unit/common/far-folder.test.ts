/* Sockets of long paths lie in the system's temporary folder, where anybody may have made the folder first. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createLogger } from '../../../common/log.js'
import { stateLayout } from '../../../common/settings/settings.js'
import { guestPaths, makeGuestFolders } from '../../../guestagent/paths.js'
import type { Host } from '../../../host/host.js'
import { serveHost } from '../../../host/serve.js'
import { callHost } from '../../../taskmanager/compute/host-client.js'

let base: string
let stateDir: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'redtrove-far-'))
  stateDir = join(base, 'a'.repeat(100))
  mkdirSync(stateDir)
  vi.stubEnv('TMPDIR', base)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(base, { recursive: true })
})

const log = createLogger('test', 'silent')
const REFUSED = /is not this user's alone, so the socket in it cannot be trusted\. Remove the folder/

/** What somebody else may have put there. */
const FOREIGN: readonly (readonly [string, (folder: string) => void])[] = [
  ['others may enter', (folder) => chmodSync(mkdirSync(folder, { recursive: true }) ?? folder, 0o711)],
  [
    'somebody else owns',
    (folder) => {
      mkdirSync(folder, { mode: 0o700 })
      const me = process.getuid?.() ?? 0
      vi.spyOn(process, 'getuid').mockReturnValue(me + 1)
    },
  ],
  [
    'is a link',
    (folder) => {
      mkdirSync(`${folder}.there`, { mode: 0o700 })
      symlinkSync(`${folder}.there`, folder)
    },
  ],
]

describe.each(FOREIGN)('a folder that %s', (_, put) => {
  it('is refused by the host part that would listen in it', async () => {
    const socket = stateLayout(stateDir).hostSocket
    put(dirname(socket))
    // No call reaches it.
    await expect(serveHost({} as Host, socket, log)).rejects.toThrow(REFUSED)
  })

  it('is refused by the task manager that would send orders there', async () => {
    const socket = stateLayout(stateDir).hostSocket
    put(dirname(socket))
    const call = callHost(socket, { method: 'GET', path: '/leaving', answer: z.object({}), timeoutMs: 1_000 })
    await expect(call).rejects.toThrow(REFUSED)
  })

  it('is refused by the agent whose redis-server would listen in it', () => {
    const paths = guestPaths(join(stateDir, 'guest'))
    put(dirname(paths.socket))
    expect(() => makeGuestFolders(paths)).toThrow(REFUSED)
  })
})

it('a folder of our own is used', async () => {
  const { hostSocket } = stateLayout(stateDir)
  expect(dirname(dirname(hostSocket))).toBe(base)
  const close = await serveHost({} as Host, hostSocket, log)
  await close()
  makeGuestFolders(guestPaths(join(stateDir, 'guest')))
})
