import { request } from 'node:http'
import type { z } from 'zod'
import { RedtroveError } from '../../common/errors.js'
import { requireOwnSocketFolder } from '../../common/files/far-folder.js'
import type { Order } from '../../domain/fencing/token.js'
import { ORDER_HEADER } from '../../wire/host/guest.js'

const ANSWER_BYTES_MAX = 8 * 1024 * 1024

/** One request to the host part. */
export interface HostCall<T> {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly answer: z.ZodType<T>
  readonly timeoutMs: number
  readonly body?: unknown
  readonly order?: Order
}

/**
 * One call to the process provider's host part over its unix socket (`wire/host/guest.ts`). Fails with `unavailable` when
 * nobody listens, no answer came in time or the socket may be somebody else's, `stale_epoch` when it has seen a higher order, and
 * `guest_failed` with its own sentence otherwise.
 */
export async function callHost<T>(socketPath: string, call: HostCall<T>): Promise<T> {
  requireOwnSocketFolder(socketPath, 'unavailable')
  const { status, text } = await exchange(socketPath, call)
  const body = parsed(text)
  if (status < 200 || status > 299)
    throw new RedtroveError(status === 409 ? 'stale_epoch' : 'guest_failed', sentenceOf(call, status, body))
  const answer = call.answer.safeParse(body)
  if (answer.success) return answer.data
  throw new RedtroveError(
    'guest_failed',
    `The host part's answer to ${call.method} ${call.path} makes no sense.`,
  )
}

function exchange(
  socketPath: string,
  { method, path, body, timeoutMs, order }: HostCall<unknown>,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(new RedtroveError('unavailable', `The host part did not carry out ${method} ${path}: ${why}.`))
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers = {
      ...(payload
        ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
        : {}),
      ...(order ? { [ORDER_HEADER]: `${order.epoch}.${order.attempt}` } : {}),
    }
    const call = request(
      { socketPath, method, path, headers, signal: AbortSignal.timeout(timeoutMs) },
      (answer) => {
        const chunks: Buffer[] = []
        let bytes = 0
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > ANSWER_BYTES_MAX) call.destroy(new Error('its answer is too long'))
          else chunks.push(chunk)
        })
        answer.on('error', (error) => fail(reasonOf(error, timeoutMs)))
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        )
      },
    )
    call.on('error', (error) => fail(reasonOf(error, timeoutMs)))
    call.end(payload)
  })
}

function reasonOf(error: NodeJS.ErrnoException, timeoutMs: number): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return 'it does not run'
  return error.message
}

function parsed(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return null
  }
}

function sentenceOf(call: HostCall<unknown>, status: number, body: unknown): string {
  const said = typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : null
  return said ?? `The host part answered ${status} to ${call.method} ${call.path}.`
}
