import { createHash } from 'node:crypto'
import { realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { RedtroveError } from '../common/errors.js'
import { writeDurably } from './durable-file.js'
import type { GuestPaths } from './paths.js'
import { formatIdentity, identify, readPidFile } from './process-identity.js'

/**
 * Makes this process the only agent of a folder and writes `agent.pid`; the returned function gives the folder free again.
 * Fails with `conflict` when another agent has it. The lock is a name in the kernel's abstract socket space: it cannot be held
 * by two, and is gone with its holder however that died.
 */
export async function lockFolder(paths: GuestPaths): Promise<() => Promise<void>> {
  const name = createHash('sha256').update(realpathSync(paths.dir)).digest('hex').slice(0, 32)
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const holder = readPidFile(paths.agentPid)
      const who = holder ? ` (pid ${holder.pid})` : ''
      const sentence =
        cause.code === 'EADDRINUSE'
          ? `Another agent${who} runs in ${paths.dir}; stop it first.`
          : `The folder ${paths.dir} cannot be locked: ${cause.message}.`
      reject(new RedtroveError('conflict', sentence, { cause }))
    })
    server.listen({ path: `\0redtrove-agent-${name}` }, resolve)
  })
  server.unref()
  const self = identify(process.pid)
  if (self) await writeDurably(paths.agentPid, formatIdentity(self))
  return async () => {
    rmSync(paths.agentPid, { force: true })
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}
