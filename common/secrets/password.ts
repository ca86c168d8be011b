import { randomBytes } from 'node:crypto'

/** A random password of 192 bits in URL-safe characters, so that it needs no quoting anywhere. */
export function generatePassword(): string {
  return randomBytes(24).toString('base64url')
}
