import { createHash } from 'node:crypto'
import type { Credentials } from '../../domain/replication/credentials.js'

const HASH = /^#[0-9a-f]{64}$/

/**
 * A password as Redis's ACLs take it without it being readable: `#` and its SHA-256. What is such a hash already stays as it is, so that
 * accounts may be kept in this form.
 */
export function passwordHash(password: string): string {
  return HASH.test(password) ? password : `#${createHash('sha256').update(password).digest('hex')}`
}

/**
 * Accounts as they may lie on a disk of the guests' side, for a server with ACLs (Redis 6 and later, Valkey). The application's passwords are
 * hashes: neither server nor agent ever needs more. The replication account's stays readable, since Redis itself needs it to log in to its source
 * (`masterauth`). A server without ACLs knows no hashes.
 */
export function atRest(credentials: Credentials): Credentials {
  return { ...credentials, application: credentials.application.map(passwordHash) }
}
