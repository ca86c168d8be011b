import { renameSync, writeFileSync } from 'node:fs'

/** Writes a file that only its owner may read, whole or not at all (a new file beside it, then a rename). */
export function writeSecretFile(file: string, text: string): void {
  const fresh = `${file}.${process.pid}.new`
  writeFileSync(fresh, text, { mode: 0o600 })
  renameSync(fresh, file)
}
