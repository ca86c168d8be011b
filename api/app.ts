import express, { type Express } from 'express'
import { guardAnswer } from './answer-headers.js'
import { authenticate, checkProject } from './auth.js'
import type { ApiContext } from './context.js'
import { docsRouter } from './docs.js'
import { BODY_BYTES_MAX, faultWriter } from './errors.js'
import { handlers } from './operations/index.js'
import { checkHost } from './origin.js'
import { limitRate } from './rate-limit.js'
import { refuseBrokenAddress, refuseBrokenBody } from './refuse-broken-text.js'
import { nameRequest } from './request-id.js'
import { routerOf, unknownAddress } from './router.js'
import { readSpecification } from './specification.js'

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
