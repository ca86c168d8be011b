import { randomUUID } from 'node:crypto'
import type { RequestHandler } from 'express'

/** Gives every request a number of its own, in the answer's header and in every log line about it. */
export const nameRequest: RequestHandler = (_request, response, next) => {
  const requestId = `req-${randomUUID()}`
  response.locals.requestId = requestId
  response.set('x-openstack-request-id', requestId)
  next()
}
