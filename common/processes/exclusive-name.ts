import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { createServer } from 'node:net'
import { RedtroveError } from '../errors.js'

/**
 * Holds the name of a folder for one process; the returned function lets go. Fails with `conflict` when another process has it.
 * The lock is a name in the kernel's abstract socket space (Linux): two cannot hold it, and it is gone with its holder however
 * that died, so there is never a stale one.
 */
export async function holdFolder(purpose: string, folder: string): Promise<() => Promise<void>> {
  const name = createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32)
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'is in use by another process; stop that one first'
          : `cannot be locked: ${cause.message}`
      reject(new RedtroveError('conflict', `The folder ${folder} ${why}.`, { cause }))
    })
    server.listen({ path: `\0redtrove-${purpose}-${name}` }, resolve)
  })
  server.unref()
  return () => new Promise((resolve) => server.close(() => resolve()))
}
