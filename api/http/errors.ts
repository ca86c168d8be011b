import { randomUUID } from 'node:crypto'
import type { ErrorRequestHandler, Response } from 'express'
import { type ErrorKind, isKind, type RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { printable } from '../../common/printable.js'

/** The one table of kinds and HTTP faults; a kind without a row does not compile. Names as in Trove. */
export const FAULTS: Record<ErrorKind, { readonly status: number; readonly name: string }> = {
  bad_request: { status: 400, name: 'badRequest' },
  unauthorized: { status: 401, name: 'unauthorized' },
  forbidden: { status: 403, name: 'forbidden' },
  not_found: { status: 404, name: 'itemNotFound' },
  conflict: { status: 409, name: 'conflict' },
  over_quota: { status: 413, name: 'overLimit' },
  not_acceptable: { status: 406, name: 'notAcceptable' },
  bad_media_type: { status: 415, name: 'badMediaType' },
  unprocessable: { status: 422, name: 'unprocessableEntity' },
  not_implemented: { status: 501, name: 'notImplemented' },
  unavailable: { status: 503, name: 'serviceUnavailable' },
  guest_failed: { status: 500, name: 'instanceFault' },
  guest_timeout: { status: 500, name: 'instanceFault' },
  stale_epoch: { status: 500, name: 'instanceFault' },
  lease_lost: { status: 500, name: 'instanceFault' },
  fence_failed: { status: 500, name: 'instanceFault' },
  bad_setting: { status: 500, name: 'instanceFault' },
  internal: { status: 500, name: 'instanceFault' },
}

const RETRY_AFTER_SECONDS = 2

/** No request of any client is half as large; what is refused here costs nobody time. */
export const BODY_BYTES_MAX = 16 * 1024

/** Last in the chain: an expected failure becomes its fault, anything else a bare 500 with a number for support. */
export function faultWriter(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    if (isKind(error)) return sendFault(response, error)
    const parser = bodyParserStatus(error)
    if (parser !== null) return sendFlat(response, parser.status, parser.message)
    const reference = randomUUID()
    log.error({ err: error, reference, requestId: response.locals.requestId }, 'request failed unexpectedly')
    response.status(500).json({
      instanceFault: { code: 500, message: `The server could not do this; name ${reference} to support.` },
    })
  }
}

function sendFault(response: Response, error: RedtroveError): void {
  const { status, name } = FAULTS[error.kind]
  if (status === 503) response.set('retry-after', String(RETRY_AFTER_SECONDS))
  response.status(status).json({ [name]: { code: status, message: sentenceOf(error) } })
}

/** A sentence may quote a name or what an agent said; clients print it as it is, and nobody reads more of it than this. */
const SENTENCE_LENGTH_MAX = 1_000

function sentenceOf({ message }: RedtroveError): string {
  const line = printable(message)
  return line.length > SENTENCE_LENGTH_MAX ? `${line.slice(0, SENTENCE_LENGTH_MAX)}…` : line
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
}

/** The shape of errors from before any controller: project mismatch, media type, malformed JSON. */
export function sendFlat(response: Response, status: number, message: string): void {
  const title = TITLES[status] ?? 'Error'
  response.status(status).json({ message, code: `${status} ${title}`, title })
}

/** What the JSON body parser reports; its errors carry `type` and `status`. */
function bodyParserStatus(error: unknown): { status: number; message: string } | null {
  const { type, status } = (error ?? {}) as { type?: unknown; status?: unknown }
  if (type === 'entity.too.large')
    return { status: 413, message: `The request body is larger than ${BODY_BYTES_MAX / 1024} KiB.` }
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') {
    return { status: 415, message: 'The request body must be UTF-8 JSON, sent as it is and not compressed.' }
  }
  if (typeof type === 'string' && typeof status === 'number' && status < 500) {
    return {
      status: 400,
      message: 'The server could not comply with the request: the body is not valid JSON.',
    }
  }
  // A percent sign that starts no escape in the path.
  if (error instanceof URIError) return { status: 400, message: 'The address cannot be decoded.' }
  return null
}
