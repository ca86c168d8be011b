/**
 * The closed list of expected failures. A kind crosses the queue intact; `api/http/errors.ts` alone says which
 * HTTP fault it becomes. A plain `Error` is a bug and becomes a bare 500.
 */
export const ERROR_KINDS = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'not_found',
  'conflict',
  'over_quota',
  'not_acceptable',
  'bad_media_type',
  'unprocessable',
  'not_implemented',
  /** A part that this needs (database, broker) does not answer now; the same call may succeed later. */
  'unavailable',
  /** The guest did what was asked and it failed; the message is the guest's own sentence. */
  'guest_failed',
  /** No answer, or no effect seen, before the deadline. It may have happened. */
  'guest_timeout',
  /** The guest has seen a higher epoch or attempt: whoever sent this is not in charge any more. */
  'stale_epoch',
  /** This taskmanager no longer holds the operation's lease: another one carries it out. */
  'lease_lost',
  /** The provider could not confirm that an instance can no longer serve. */
  'fence_failed',
  /** A setting has a bad value. The process exits 78. */
  'bad_setting',
  'internal',
] as const

export type ErrorKind = (typeof ERROR_KINDS)[number]

/** An expected failure: a kind for programs and one sentence for people, without secrets. */
export class RedtroveError extends Error {
  readonly kind: ErrorKind

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RedtroveError'
    this.kind = kind
  }
}

/** Narrows an unknown thrown value to a failure of one of `kinds` (any kind when none is named). */
export function isKind(error: unknown, ...kinds: readonly ErrorKind[]): error is RedtroveError {
  return error instanceof RedtroveError && (kinds.length === 0 || kinds.includes(error.kind))
}

/** The sentence of any thrown value. A bug's own message is for the log, never for a user. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
