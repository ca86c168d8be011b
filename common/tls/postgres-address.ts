/** A PostgreSQL address without what it says about TLS, and whether the connection is to be verified. */
export interface PostgresAddress {
  readonly url: string
  /** As libpq's verify-full: the certificate's signature and its name. */
  readonly verified: boolean
}

/** Ways to speak of TLS in an address that would each undo or double what the settings say. */
const REFUSED = ['ssl', 'sslcert', 'sslkey', 'sslpassword', 'sslrootcert', 'sslnegotiation', 'uselibpqcompat']

/**
 * Reads `sslmode` out of an address: nothing and `disable` are plain text, `verify-full` is verified, and so is every address for which a
 * CA is given. Throws a sentence for the modes in between, which encrypt for whoever answers, and for `disable` beside a CA.
 */
export function postgresAddress(text: string, hasCa: boolean): PostgresAddress {
  if (!URL.canParse(text)) return { url: text, verified: hasCa }
  const url = new URL(text)
  const refused = REFUSED.find((name) => url.searchParams.has(name))
  if (refused)
    throw new Error(`${refused}= is not taken; sslmode=verify-full and REDTROVE_DATABASE_CA_FILE say it all`)
  const mode = url.searchParams.get('sslmode')
  if (mode !== null && !['disable', 'verify-full'].includes(mode))
    throw new Error(
      `sslmode=${mode} does not verify whom it speaks to; use verify-full (REDTROVE_DATABASE_CA_FILE names a private CA) or disable`,
    )
  if (mode === 'disable' && hasCa)
    throw new Error('sslmode=disable and REDTROVE_DATABASE_CA_FILE exclude each other')
  if (mode === null) return { url: text, verified: hasCa }
  url.searchParams.delete('sslmode')
  return { url: url.href, verified: mode === 'verify-full' }
}
