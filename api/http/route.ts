/* openapi.yaml decides what a handler receives and may return; these types carry that decision to the compiler. */
import type { operations } from '../../wire/http/openapi.js'
import type { ApiContext, Caller } from '../context.js'

export type OperationId = keyof operations

type JsonOf<R> = R extends { content: { 'application/json': infer B } } ? B : undefined
type PathOf<O> = O extends { parameters: { path: infer P } } ? P : Record<string, never>
type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? NonNullable<Q> : Record<string, never>
type BodyOf<O> = O extends { requestBody: { content: { 'application/json': infer B } } }
  ? B
  : O extends { requestBody?: { content: { 'application/json': infer B } } }
    ? B | undefined
    : undefined

/** A request whose every part was validated. */
export interface Request<Id extends OperationId> {
  readonly params: PathOf<operations[Id]>
  readonly query: QueryOf<operations[Id]>
  readonly body: BodyOf<operations[Id]>
  /** Path and query as asked, for the link to the next page. */
  readonly url: string
}

type SuccessOf<Id extends OperationId> = Exclude<keyof operations[Id]['responses'], 'default'>

/** A declared success; faults are thrown as RedtroveError. `operationId` becomes a header. */
export type Reply<Id extends OperationId> = {
  [S in SuccessOf<Id>]: {
    readonly status: S
    readonly body: JsonOf<operations[Id]['responses'][S]>
    readonly operationId?: string
  }
}[SuccessOf<Id>]

export type Handler<Id extends OperationId> = (
  request: Request<Id>,
  caller: Caller,
  context: ApiContext,
) => Promise<Reply<Id>>

/** One handler for every operationId; a missing one does not compile. */
export type Handlers = { readonly [Id in OperationId]: Handler<Id> }
