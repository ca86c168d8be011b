import express, { type Express } from 'express'
import { authenticate, checkProject } from './auth/static-tokens.js'
import type { ApiContext } from './context.js'
import { guardAnswer } from './http/answer-headers.js'
import { docsRouter } from './http/docs.js'
import { BODY_BYTES_MAX, faultWriter } from './http/errors.js'
import { checkHost } from './http/origin.js'
import { limitRate } from './http/rate-limit.js'
import { refuseBrokenAddress, refuseBrokenBody } from './http/refuse-broken-text.js'
import { nameRequest } from './http/request-id.js'
import { routerOf, unknownAddress } from './http/router.js'
import { readSpecification } from './http/specification.js'
import { handlers } from './routes/index.js'

/** The whole HTTP surface; the order of the middleware is the order below. */
export function createApp(context: ApiContext): Express {
  const specification = readSpecification()
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use(nameRequest, guardAnswer, checkHost, refuseBrokenAddress)
  app.use(docsRouter(specification))
  app.use(routerOf(specification, handlers, context, true))
  app.use(
    '/v1.0',
    authenticate(context),
    checkProject,
    limitRate(context),
    // Compressed bodies are refused: a kilobyte of them can be a megabyte of work.
    express.json({ limit: BODY_BYTES_MAX, inflate: false, strict: false }),
    refuseBrokenBody,
  )
  app.use(routerOf(specification, handlers, context, false))
  app.use(unknownAddress)
  app.use(faultWriter(context.log))
  return app
}
