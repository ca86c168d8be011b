import { open, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

let serial = 0

/**
 * Replaces a file's text so that a crash at any point leaves the old text or the new one, and the new one once this resolves:
 * temporary file, fsync, rename, fsync of the folder. Readable by its owner alone.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  serial += 1
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${serial}`)
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
