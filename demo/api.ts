import { waitUntil } from '../common/wait-until.js'
import type { components } from '../wire/http/openapi.js'

export type Instance = components['schemas']['Instance']
export type Operation = components['schemas']['Operation']

/** The public HTTP API, as the demo uses it. */
export interface Api {
  /** Answers with status, body and the operation's id, whatever the status. */
  call<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: T; operationId: string | null }>
  show(id: string): Promise<Instance>
  /** Waits for the end of an operation and fails with its fault unless it is done. `progress` gets the step under way. */
  done(operationId: string | null, progress?: (text: string) => void): Promise<Operation>
}

const ENDED = ['done', 'rolled_back', 'failed']

/** The public API under `url`, as any client sees it. */
export function openApi(url: string, token: string): Api {
  const call: Api['call'] = async <T>(method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        'x-auth-token': token,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await response.text()
    // The API's own tests hold every answer against openapi.yaml.
    return {
      status: response.status,
      body: (text ? JSON.parse(text) : {}) as T,
      operationId: response.headers.get('x-redtrove-operation-id'),
    }
  }
  return {
    call,
    show: async (id) => (await call<{ instance: Instance }>('GET', `/instances/${id}`)).body.instance,
    done: async (operationId, progress = () => undefined) => {
      const operation = await waitUntil(
        `operation ${operationId} ends`,
        async () => {
          const { operation: seen } = (
            await call<{ operation: Operation }>('GET', `/operations/${operationId}`)
          ).body
          progress(seen.steps?.at(-1)?.name ?? seen.state)
          return seen
        },
        (seen) => ENDED.includes(seen.state),
        { timeoutMs: 120_000, pollMs: 30 },
      )
      if (operation.state !== 'done')
        throw new Error(`${operation.kind} ended ${operation.state}: ${operation.fault}`)
      return operation
    },
  }
}
