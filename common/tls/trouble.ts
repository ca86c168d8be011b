import { messageOf } from '../errors.js'

/** Nobody whom we trust has signed it, or nobody at all. */
const UNTRUSTED = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
]
/** What OpenSSL says to bytes that are no TLS. */
const NO_TLS = /wrong version number|packet length too long|unexpected message|http request/i

/** True for a failure that TLS caused: a certificate, a name, or no TLS on the other side. */
export function isTlsTrouble(error: unknown): boolean {
  return sentenceOf(error, '') !== null
}

/**
 * Why a connection failed, for people: TLS's codes become sentences that say what to do, everything else keeps its own message.
 * `caSetting` is the setting that names whom this side trusts.
 */
export function connectTrouble(error: unknown, caSetting: string): string {
  return sentenceOf(error, caSetting) ?? messageOf(error)
}

function sentenceOf(error: unknown, caSetting: string): string | null {
  // Errors of node carry a string `code`, and of a name that does not fit a `reason`.
  const { code = '', reason } = (error ?? {}) as { code?: unknown; reason?: unknown }
  const own = `${messageOf(error)} (${String(code)})`
  if (UNTRUSTED.includes(String(code)))
    return `its certificate is signed by none that is trusted here (${code}); ${caSetting} names the CA`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `its certificate is for another name: ${typeof reason === 'string' ? reason : messageOf(error)}`
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired'
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet; is a clock wrong?'
  if (NO_TLS.test(messageOf(error))) return `it does not speak TLS on this port (${code || 'no TLS'})`
  return /^(ERR_SSL_|ERR_TLS_|CERT_|CRL_)|^EPROTO$/.test(String(code)) ? own : null
}
