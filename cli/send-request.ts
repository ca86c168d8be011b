import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { text } from 'node:stream/consumers'

/** One request, whole. */
export interface HttpRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whom to trust for https://, PEM; without it those that Node trusts. */
  readonly ca?: string
  /** For everything, the body of the answer included. */
  readonly timeoutMs: number
}

/** One answer, whole. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/**
 * Sends one request and reads its answer. Node's `fetch` cannot be told whom to trust, hence this. Rejects with the system's own error, or
 * with a sentence at the deadline; a certificate is verified whatever the environment says.
 */
export async function sendRequest(wanted: HttpRequest): Promise<HttpAnswer> {
  const { url, method, headers, body, ca, timeoutMs } = wanted
  const deadline = AbortSignal.timeout(timeoutMs)
  const trust = url.startsWith('https:') ? { rejectUnauthorized: true, ...(ca ? { ca } : {}) } : {}
  const send = url.startsWith('https:') ? tlsRequest : plainRequest
  try {
    return await new Promise((resolve, reject) => {
      const options = { method, headers, signal: deadline, agent: false, ...trust }
      const sent = send(url, options, (response) => {
        const { statusCode: status = 0, headers: told } = response
        text(response).then((all) => resolve({ status, headers: told, text: all }), reject)
      })
      sent.once('error', reject)
      sent.end(body)
    })
  } catch (error) {
    if (deadline.aborted) throw new Error(`no answer within ${timeoutMs / 1000} s`, { cause: error })
    throw error
  }
}
