/** One attempt of a client to write, and what came of it. A value is used for one attempt only. */
export interface Deed {
  readonly kind: 'add' | 'set' | 'count' | 'push' | 'probe'
  readonly key: string
  readonly value: number
  /** Host that was asked. */
  readonly member: string
  readonly startMs: number
  readonly endMs: number
  /**
   * `ok`: acknowledged. `fail`: refused, or never sent, so it must not have happened. `unknown`: sent, and no answer came; it may
   * happen at any later time, or never.
   */
  readonly outcome: 'ok' | 'fail' | 'unknown'
  readonly why: string | null
  /** How many replicas said they have it (WAIT); null when nobody asked. */
  readonly onReplicas: number | null
}

/** A server that says so has not done it. Everything else that is no answer is `unknown`. */
const REFUSALS = [
  'READONLY',
  'NOREPLICAS',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'OOM',
  'NOAUTH',
  'WRONGPASS',
  'NOPERM',
  'ERR',
]
/** The connection never came about. */
const NEVER_SENT = /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|connect ETIMEDOUT|Stream isn't writeable/

/** What a client can conclude from an error. */
export function failureOf(error: unknown): { readonly outcome: 'fail' | 'unknown'; readonly why: string } {
  const message = error instanceof Error ? error.message : String(error)
  const code = /^([A-Z]{3,})\b/.exec(message)?.[1]
  if (code && REFUSALS.includes(code)) return { outcome: 'fail', why: code }
  if (NEVER_SENT.test(message)) return { outcome: 'fail', why: 'not connected' }
  return { outcome: 'unknown', why: 'no answer' }
}
