import type { RequestHandler } from 'express'

/**
 * What every answer says to whoever carries or shows it: keep no copy, since some answers hold a password that is shown once; take the
 * body for what its type says; and show nothing of it as a page. The pages under /docs loosen the last one for themselves.
 */
export const guardAnswer: RequestHandler = (_request, response, next) => {
  response.set({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
  })
  next()
}
