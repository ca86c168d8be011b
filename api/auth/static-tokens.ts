import type { RequestHandler, Response } from 'express'
import { findToken } from '../../common/secrets/tokens.js'
import type { ApiContext } from '../context.js'
import { sendFlat } from '../http/errors.js'
import { hostOf, schemeOf } from '../http/origin.js'

/** Who a request's token belongs to; refuses with Keystone middleware's 401 when there is none. */
export function authenticate({ tokens }: Pick<ApiContext, 'tokens'>): RequestHandler {
  return (request, response, next) => {
    const presented = request.get('x-auth-token')
    const entry = presented ? findToken(tokens, presented) : null
    if (!entry) return refuse(response, `${schemeOf(request)}://${hostOf(request)}`)
    response.locals.projectId = entry.project
    response.locals.isAdmin = entry.admin
    next()
  }
}

/** The path's project must be the token's, also for admins; a path without a project is nobody's. */
export const checkProject: RequestHandler = (request, response, next) => {
  const project = /^\/v1\.0\/([^/?]+)/.exec(request.originalUrl)?.[1]
  if (project !== undefined && decodeURIComponent(project) === response.locals.projectId) return next()
  sendFlat(
    response,
    403,
    'Access was denied to this resource: the project in the address is not the project of the token.',
  )
}

function refuse(response: Response, uri: string): void {
  response.set('www-authenticate', `Keystone uri="${uri}"`)
  response.status(401).json({
    error: {
      code: 401,
      title: 'Unauthorized',
      message: 'The request you have made requires authentication.',
    },
  })
}
