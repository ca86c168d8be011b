import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { RedtroveError } from '../errors.js'

const KEY_BYTES = 32

/**
 * The 32-byte master key of a state directory, made (0600) when absent. Programs that start together agree on one: the key is
 * written and flushed under a name of its own first and then linked, which only one of them wins.
 * Fails with `bad_setting` when the file is there and is no key.
 */
export async function masterKey(path: string): Promise<Buffer> {
  const found = await readKey(path)
  if (found) return found
  await createOnce(path)
  const made = await readKey(path)
  if (made) return made
  throw new RedtroveError('bad_setting', `The master key ${path} vanished while it was being made.`)
}

async function readKey(path: string): Promise<Buffer | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw new RedtroveError('bad_setting', `The master key ${path} cannot be read: ${error.message}`)
  })
  if (text === null) return null
  if (!/^[0-9a-f]{64}\s*$/.test(text))
    throw new RedtroveError(
      'bad_setting',
      `The master key ${path} is not ${KEY_BYTES} bytes in hex; restore it from a copy.`,
    )
  return Buffer.from(text.trim(), 'hex')
}

async function createOnce(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const own = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`
  const file = await open(own, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await link(own, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await unlink(own)
}
