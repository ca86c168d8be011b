import { connectTrouble, isTlsTrouble } from '../common/tls/trouble.js'
import type { components } from '../wire/http/openapi.js'
import { CliError, EXIT } from './exit-codes.js'
import { type HttpAnswer, sendRequest } from './send-request.js'
import type { ClientSettings } from './settings.js'

export type Flavor = components['schemas']['Flavor']
export type Instance = components['schemas']['Instance']
export type Operation = components['schemas']['Operation']
export type ReplicationSet = components['schemas']['ReplicationSet']

/** Every request ends; setting a password waits for its operation on the server. */
const REQUEST_MS_MAX = 30_000

/** The body of an answer, and what its headers say. */
export interface Answer<T> {
  readonly body: T
  /** The operation that the request opened. */
  readonly operationId: string | null
}

/** HTTP with the token and faults turned into exit codes. */
export interface Client {
  get<T>(path: string): Promise<T>
  send<T = unknown>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer<T>>
  readonly project: string
}

/** `url` is http://HOST:PORT/v1.0/PROJECT or the same with https://; the certificate is verified. */
export function openClient({ url, token, ca }: ClientSettings): Client {
  async function request(method: string, path: string, body: unknown): Promise<HttpAnswer> {
    try {
      return await sendRequest({
        url: `${url}${path}`,
        method,
        headers: {
          'x-auth-token': token,
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(ca ? { ca } : {}),
        timeoutMs: REQUEST_MS_MAX,
      })
    } catch (error) {
      const hint = isTlsTrouble(error) ? '' : ' Is it running? Start it with npm start.'
      throw new CliError(
        EXIT.unreachable,
        `The service at ${url} does not answer (${causeOf(error, url)}).${hint}`,
      )
    }
  }

  async function call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const { status, headers, text } = await request(method, path, body)
    const parsed = parse(status, text)
    if (status < 200 || status > 299) throw faultOf(status, parsed)
    const operationId = headers['x-redtrove-operation-id']
    // The API's own tests hold every answer against openapi.yaml.
    return { body: parsed as T, operationId: typeof operationId === 'string' ? operationId : null }
  }

  return {
    get: async <T>(path: string) => (await call<T>('GET', path)).body,
    send: call,
    project: decodeURIComponent(url.split('/').at(-1) ?? ''),
  }
}

/** Why there is no answer; several addresses of one host fail with a code each and no message. */
function causeOf(error: unknown, url: string): string {
  const code = String((error as NodeJS.ErrnoException).code ?? '') // node puts the code there
  if (code === 'ECONNRESET' && url.startsWith('http:'))
    return 'it ended the connection; if it speaks HTTPS, REDTROVE_URL has to begin with https://'
  return connectTrouble(error, 'REDTROVE_CA_FILE') || code
}

function parse(status: number, text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    const hint = `The answer (HTTP ${status}) is no JSON; does REDTROVE_URL point to Redtrove?`
    throw new CliError(EXIT.unreachable, hint)
  }
}

/** The message of the only key, as Trove's own client takes it. */
function faultOf(status: number, body: unknown): CliError {
  const inner = typeof body === 'object' && body !== null ? Object.values(body)[0] : undefined
  const message =
    typeof inner === 'string'
      ? inner
      : ((inner as { message?: unknown } | undefined)?.message ?? `HTTP ${status}`)
  const code = status === 404 ? EXIT.notFound : status >= 500 ? EXIT.unreachable : EXIT.refused
  return new CliError(code, String(message))
}
