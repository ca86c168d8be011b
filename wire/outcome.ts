import { z } from 'zod'
import { ERROR_KINDS, isKind, RedtroveError } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import { sentenceSchema } from '../domain/sentence.js'
import type { Method } from './contract.js'

/** What an answer holds: a result, an expected failure, or the guest's present incarnation when the command was for another. */
export const outcomeSchema = z.union([
  z.strictObject({ ok: z.literal(true), result: z.unknown() }),
  z.strictObject({ ok: z.literal(false), kind: z.string(), message: sentenceSchema(4000) }),
  z.strictObject({ incarnation: z.string().min(1).max(128) }),
])
export type Outcome = z.output<typeof outcomeSchema>

/**
 * Carries one method out for a caller elsewhere: parameters are parsed at this door, an expected failure keeps its kind and
 * sentence, and anything else becomes `guest_failed` with its details in our log only. Never rejects.
 */
export async function outcomeOf(
  method: Method,
  payload: unknown,
  handler: (params: unknown) => Promise<unknown>,
  log: Logger,
): Promise<Outcome> {
  const params = method.params.safeParse(payload)
  if (!params.success)
    return {
      ok: false,
      kind: 'bad_request',
      message: `The parameters do not fit the contract: ${complaint(params.error)}.`.slice(0, 4000),
    }
  try {
    return { ok: true, result: await handler(params.data) }
  } catch (error) {
    if (isKind(error)) return { ok: false, kind: error.kind, message: error.message.slice(0, 4000) }
    log.error({ err: error }, 'a handler failed unexpectedly')
    return {
      ok: false,
      kind: 'guest_failed',
      message: 'It failed unexpectedly; the log of the other side says why.',
    }
  }
}

/** The result as the contract types it. Fails with the other side's kind and sentence, or `guest_failed` when it makes no sense. */
export function resultOf(method: Method, outcome: Exclude<Outcome, { incarnation: string }>): unknown {
  if (!outcome.ok) {
    const kind = ERROR_KINDS.find((known) => known === outcome.kind) ?? 'guest_failed'
    throw new RedtroveError(kind, outcome.message)
  }
  const result = method.result.safeParse(outcome.result)
  if (result.success) return result.data
  const sentence = `The answer does not fit the contract: ${complaint(result.error)}.`
  throw new RedtroveError('guest_failed', sentence.slice(0, 4000), { cause: result.error })
}

/** Where and what, without the values: they may be secrets. */
function complaint(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`).join('; ')
}
