import type { RequestHandler } from 'express'
import type { ApiContext } from '../context.js'

interface Bucket {
  tokens: number
  filledAtMs: number
}

/** More projects than this at once and the fullest buckets are forgotten, which only helps them. */
const BUCKETS_MAX = 10_000

/** A token bucket for each project and verb; an empty one answers 413 with Retry-After, as Trove does. */
export function limitRate({ settings, clock }: Pick<ApiContext, 'settings' | 'clock'>): RequestHandler {
  const perMinute = settings.REDTROVE_API_REQUESTS_PER_MINUTE
  const buckets = new Map<string, Bucket>()
  return (request, response, next) => {
    const key = `${response.locals.projectId} ${request.method}`
    const nowMs = clock.monotonicMs()
    const known = buckets.get(key) ?? { tokens: perMinute, filledAtMs: nowMs }
    const tokens = Math.min(perMinute, known.tokens + ((nowMs - known.filledAtMs) * perMinute) / 60_000)
    if (buckets.size >= BUCKETS_MAX) buckets.clear()
    buckets.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, filledAtMs: nowMs })
    if (tokens >= 1) return next()
    const retryAfter = String(Math.max(1, Math.ceil(((1 - tokens) * 60) / perMinute)))
    const details = `Only ${perMinute} ${request.method} requests a minute are allowed.`
    response
      .status(413)
      .set('retry-after', retryAfter)
      .json({ overLimit: { code: 413, message: 'This request was rate-limited.', details, retryAfter } })
  }
}
