import { z } from 'zod'

/**
 * Fencing token of a command. An agent keeps the highest (epoch, attempt) on disk and refuses lower ones with
 * `stale_epoch`: a zombie taskmanager cannot act. The outcome of (operationId, step) is kept and given again when repeated.
 */
export const tokenSchema = z.object({
  operationId: z.uuid(),
  step: z.string().min(1).max(64),
  epoch: z.int().min(1),
  attempt: z.int().min(1),
})
export type Token = z.output<typeof tokenSchema>

/** The half of a token that is compared. */
export type Order = Pick<Token, 'epoch' | 'attempt'>

/** Orders tokens: by epoch, then by attempt. */
export function isLower(token: Order, than: Order): boolean {
  return token.epoch < than.epoch || (token.epoch === than.epoch && token.attempt < than.attempt)
}
