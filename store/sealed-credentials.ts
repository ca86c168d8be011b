import type { KeyRing } from '../common/secrets/key-ring.js'
import { type Credentials, credentialsSchema, passwordSchema } from '../domain/replication/credentials.js'

/** Bound to the sealed text, so that one column's value cannot be read as another's. */
const CREDENTIALS_PURPOSE = 'credentials'
const PASSWORD_PURPOSE = 'password'

/** A set's accounts as its row keeps them (`sealedCredentials`). */
export function sealCredentials(keyRing: KeyRing, credentials: Credentials): string {
  return keyRing.seal(JSON.stringify(credentials), CREDENTIALS_PURPOSE)
}

/** Accounts out of a set's row. Fails with `internal` when the text was tampered with or sealed by another master key. */
export function openCredentials(keyRing: KeyRing, sealed: string): Credentials {
  return credentialsSchema.parse(JSON.parse(keyRing.open(sealed, CREDENTIALS_PURPOSE)))
}

/** One password as an operation's request keeps it (`sealedPassword`). */
export function sealPassword(keyRing: KeyRing, password: string): string {
  return keyRing.seal(password, PASSWORD_PURPOSE)
}

/** The password out of an operation's request. Fails like `openCredentials`. */
export function openPassword(keyRing: KeyRing, sealed: string): string {
  return passwordSchema.parse(keyRing.open(sealed, PASSWORD_PURPOSE))
}
