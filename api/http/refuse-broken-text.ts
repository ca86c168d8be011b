import type { RequestHandler } from 'express'
import { RedtroveError } from '../../common/errors.js'

const WORDS = 'holds U+0000 or half a surrogate pair, which no text here may hold; leave that character out.'

/** Refuses an address with U+0000: PostgreSQL keeps no such text, and a query that bears it fails there. */
export const refuseBrokenAddress: RequestHandler = (request, _response, next) => {
  if (request.originalUrl.includes('%00')) throw new RedtroveError('bad_request', `The address ${WORDS}`)
  next()
}

/** The same for a parsed body, in keys and values, however deep. Headers need no look: Node refuses such bytes in them. */
export const refuseBrokenBody: RequestHandler = (request, _response, next) => {
  if (isBroken(request.body)) throw new RedtroveError('bad_request', `The request body ${WORDS}`)
  next()
}

/** Without recursion: a body may be as deep as it is long. */
function isBroken(body: unknown): boolean {
  const left: unknown[] = [body]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value === 'string' && /[\0\p{Cs}]/u.test(value)) return true
    if (typeof value === 'object' && value !== null) left.push(...Object.keys(value), ...Object.values(value))
  }
  return false
}
