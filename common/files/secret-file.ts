import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file that only its owner may read, whole or not at all (a new file beside it, then a rename), with its folder. */
export function writeSecretFile(file: string, text: string): void {
  const fresh = `${file}.${process.pid}.new`
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(fresh, text, { mode: 0o600 })
  renameSync(fresh, file)
}
