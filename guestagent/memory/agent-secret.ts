import { readFileSync } from 'node:fs'
import { writeDurably } from '../../common/files/durable-file.js'
import { generatePassword } from '../../common/secrets/password.js'

/** The password of the agent's own account: made once, kept in the guest's folder (0600), known to nobody else. */
export async function agentSecret(path: string): Promise<string> {
  try {
    const kept = readFileSync(path, 'utf8').trim()
    if (kept !== '') return kept
  } catch {
    // Not made yet.
  }
  const fresh = generatePassword()
  await writeDurably(path, fresh)
  return fresh
}
