import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { RedtroveError } from '../errors.js'

const tokenFileSchema = z.object({
  tokens: z
    .array(z.object({ token: z.string().min(16), project: z.string().min(1).max(255), admin: z.boolean() }))
    .min(1),
})
export type StaticToken = z.output<typeof tokenFileSchema>['tokens'][number]

/**
 * The static tokens of a state directory (0600); made at the first call: one for project `demo`, one for an admin in project
 * `admin`. Several processes may call it at once, they get the same. Fails with `bad_setting` when the file cannot be understood.
 */
export function staticTokens(file: string): readonly StaticToken[] {
  const found = read(file)
  if (found) return found
  const fresh = [
    { token: randomBytes(24).toString('base64url'), project: 'demo', admin: false },
    { token: randomBytes(24).toString('base64url'), project: 'admin', admin: true },
  ]
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify({ tokens: fresh }, null, 2)}\n`, { mode: 0o600 })
  try {
    // A link fails when somebody else was first; then theirs counts.
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return read(file) ?? fresh
}

function read(file: string): readonly StaticToken[] | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new RedtroveError('bad_setting', `The token file ${file} cannot be read.`, { cause: error })
  }
  try {
    return tokenFileSchema.parse(JSON.parse(text)).tokens
  } catch (cause) {
    throw new RedtroveError('bad_setting', `The token file ${file} is damaged; mend or remove it.`, { cause })
  }
}

/** The entry a presented token belongs to; every entry is compared, in time that does not depend on the token. */
export function findToken(tokens: readonly StaticToken[], presented: string): StaticToken | null {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const wanted = digest(presented)
  let found: StaticToken | null = null
  for (const entry of tokens) {
    if (timingSafeEqual(digest(entry.token), wanted)) found = entry
  }
  return found
}
