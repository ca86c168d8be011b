import type { z } from 'zod'

/**
 * One remote method. `control` calls run one at a time on a guest, in order; `query` calls run beside them, so that a long
 * step does not hide a look. `timeoutMs` bounds the wait for the answer and is the message's expiry on the broker.
 */
export interface Method {
  readonly params: z.ZodType
  readonly result: z.ZodType
  readonly timeoutMs: number
  readonly lane: 'control' | 'query'
}

export type Contract = Readonly<Record<string, Method>>

/** Fixes the type of a contract without widening it. */
export function defineContract<const C extends Contract>(contract: C): C {
  return contract
}

export type Params<C extends Contract, M extends keyof C> = z.output<C[M]['params']>
export type Result<C extends Contract, M extends keyof C> = z.output<C[M]['result']>

/** The caller's side: rejects with a `RedtroveError` whose kind is the callee's, or `guest_timeout`, or `unavailable`. */
export type Client<C extends Contract> = {
  readonly [M in keyof C]: (
    params: Params<C, M>,
    options?: { readonly signal?: AbortSignal },
  ) => Promise<Result<C, M>>
}

/** The callee's side. */
export type Handlers<C extends Contract> = {
  readonly [M in keyof C]: (params: Params<C, M>) => Promise<Result<C, M>>
}
