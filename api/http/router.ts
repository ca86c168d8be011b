import { type Request as HttpRequest, type Response, Router } from 'express'
import { RedtroveError } from '../../common/errors.js'
import type { ApiContext, Caller } from '../context.js'
import { sendFlat } from './errors.js'
import { hostOf, schemeOf } from './origin.js'
import type { Handlers, OperationId, Request } from './route.js'
import type { Specification, SpecifiedOperation } from './specification.js'
import { type Validator, validatorsOf } from './validation.js'

/** Binds every operationId of openapi.yaml to its handler. Refuses to start when one has none. */
export function routerOf(
  specification: Specification,
  handlers: Handlers,
  context: ApiContext,
  open: boolean,
): Router {
  const router = Router({ caseSensitive: true })
  const validatorOf = validatorsOf(specification)
  for (const operation of specification.operations.filter(({ isOpen }) => isOpen === open)) {
    if (!(operation.operationId in handlers))
      throw new Error(`openapi.yaml has no handler for ${operation.operationId}.`)
    const validate = validatorOf(operation)
    router[operation.method](expressPath(operation.path), async (request, response) => {
      await serve(operation, validate, handlers, context, request, response)
    })
  }
  return router
}

async function serve(
  operation: SpecifiedOperation,
  validate: Validator,
  handlers: Handlers,
  context: ApiContext,
  http: HttpRequest,
  response: Response,
): Promise<void> {
  if (operation.hasBody && hasForeignBody(http))
    return sendFlat(response, 415, 'The content type must be application/json.')
  const parts = validate({
    params: http.params,
    query: http.query,
    body: hasBody(http) ? http.body : undefined,
  })
  // The document that typed the handler also validated the parts.
  const request = { ...parts, url: http.originalUrl } as unknown as Request<OperationId>
  const handler = handlers[operation.operationId as OperationId] as (
    request: Request<OperationId>,
    caller: Caller,
    context: ApiContext,
  ) => Promise<AnyReply>
  const reply = await handler(request, callerOf(http, response), context)
  send(response, reply)
}

/** What is left of a reply's type once the operation is chosen at run time. */
interface AnyReply {
  readonly status: number
  readonly body: unknown
  readonly operationId?: string
}

function send(response: Response, reply: AnyReply): void {
  response.status(reply.status)
  if (reply.operationId !== undefined) response.set('x-redtrove-operation-id', reply.operationId)
  if (reply.body !== undefined) response.json(reply.body)
  else response.set('content-type', 'application/json').end()
}

function callerOf(http: HttpRequest, response: Response): Caller {
  return {
    projectId: String(response.locals.projectId ?? ''),
    isAdmin: response.locals.isAdmin === true,
    requestId: String(response.locals.requestId),
    protocol: schemeOf(http),
    host: hostOf(http),
  }
}

function hasBody(http: HttpRequest): boolean {
  return http.get('transfer-encoding') !== undefined || Number(http.get('content-length') ?? 0) > 0
}

function hasForeignBody(http: HttpRequest): boolean {
  return hasBody(http) && !http.is('application/json')
}

function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

/** Known address with another method, or an unknown one: Trove says 404 to both. */
export function unknownAddress(): never {
  throw new RedtroveError('not_found', 'The resource could not be found.')
}
