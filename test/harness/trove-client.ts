/* A plain HTTP client of the service as a test sees it: no shared code with the product, so that it can disagree with it. */
import { Agent, request } from 'node:https'
import { text as readText } from 'node:stream/consumers'
import { waitUntil } from '../../common/wait-until.js'

export interface InstanceBody {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly operating_status: string
  readonly password?: string
  readonly addresses?: readonly { readonly address: string; readonly type: string }[]
  readonly replica_of?: { readonly id: string }
  readonly replicas?: readonly { readonly id: string }[]
  readonly fault?: { readonly message: string }
  readonly replication?: {
    readonly role: string
    readonly link?: string | null
    readonly offset?: number | null
  }
}

export interface OperationBody {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly created: string
  readonly epoch: number
  readonly attempt?: number
  readonly fault?: string | null
  readonly result?: Record<string, unknown> | null
  readonly steps?: readonly {
    readonly name: string
    readonly state: string
    readonly detail?: string | null
    readonly duration_ms?: number | null
  }[]
}

export interface Answer<T = unknown> {
  readonly status: number
  readonly body: T
  readonly operationId: string | null
}

/** What the service gives at most in one answer is its own affair; more than this many are asked for in pages. */
const PAGE = 20
const TERMINAL = ['done', 'rolled_back', 'failed']

export interface TroveClient {
  send<T = unknown>(method: string, path: string, body?: unknown): Promise<Answer<T>>
  show(id: string): Promise<InstanceBody>
  list(): Promise<readonly InstanceBody[]>
  operation(id: string): Promise<OperationBody>
  /** All of the project's. */
  operations(): Promise<readonly OperationBody[]>
  /** Waits for the end of an operation, whatever it is. */
  ended(operationId: string | null, timeoutMs?: number): Promise<OperationBody>
  createSource(name: string, timeoutMs?: number): Promise<{ readonly id: string; readonly password: string }>
  /** Creates `count` replicas and waits until the operation has ended; answers with the ids of the set's replicas. */
  createReplicas(sourceId: string, name: string, count: number): Promise<readonly string[]>
  act(id: string, action: string): Promise<Answer>
  /** Asks again and again until the source counts as lost and its eject is accepted, as somebody with a pager would. */
  eject(sourceId: string, timeoutMs?: number): Promise<Answer>
  /** Asks again and again until the candidate is ready and its promote is accepted; resolves with the operation's end. */
  promote(candidateId: string): Promise<OperationBody>
  addressOf(id: string): Promise<{ readonly host: string; readonly port: number }>
  /** ACTIVE and HEALTHY. */
  healthy(id: string, timeoutMs?: number): Promise<InstanceBody>
  gone(id: string, timeoutMs?: number): Promise<void>
}

/** `baseUrl` is http://HOST:PORT/v1.0/PROJECT, as the ready line says; `ca` (PEM) is whom to trust for https://. */
export function troveClient(baseUrl: string, token: string, ca?: string): TroveClient {
  const ask = ca === undefined ? askByFetch : askTrusting(ca)
  async function send<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const { status, text, operationId } = await ask(`${baseUrl}${path}`, {
      method,
      headers: {
        'x-auth-token': token,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })
    // The test's own expectations parse it; an empty body is an empty object.
    return { status, body: (text ? JSON.parse(text) : {}) as T, operationId }
  }

  async function expectOk<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const answer = await send<T>(method, path, body)
    if (answer.status >= 300)
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer
  }

  const show = async (id: string) =>
    (await expectOk<{ instance: InstanceBody }>('GET', `/instances/${id}`)).body.instance
  const operation = async (id: string) =>
    (await expectOk<{ operation: OperationBody }>('GET', `/operations/${id}`)).body.operation

  /** Pages go by id, whatever the order within one. */
  async function everyPage<T extends { readonly id: string }>(what: string): Promise<readonly T[]> {
    const all: T[] = []
    for (let marker = ''; ; ) {
      const path = `/${what}?limit=${PAGE}${marker && `&marker=${marker}`}`
      const page = (await expectOk<Record<string, T[]>>('GET', path)).body[what] ?? []
      all.push(...page)
      if (page.length < PAGE) return all
      for (const { id } of page) if (id > marker) marker = id
    }
  }

  async function ended(operationId: string | null, timeoutMs = 60_000): Promise<OperationBody> {
    if (!operationId) throw new Error('no operation id in the answer')
    return waitUntil(
      `operation ${operationId} ends`,
      () => operation(operationId),
      (op) => TERMINAL.includes(op.state),
      {
        timeoutMs,
        pollMs: 30,
      },
    )
  }

  async function healthy(id: string, timeoutMs = 60_000): Promise<InstanceBody> {
    return waitUntil(
      `instance ${id} is healthy`,
      () => show(id),
      (instance) => instance.status === 'ACTIVE' && instance.operating_status === 'HEALTHY',
      { timeoutMs, pollMs: 50 },
    )
  }

  const act = (id: string, action: string) => send('POST', `/instances/${id}/action`, { [action]: {} })

  const accepted = (id: string, action: string, timeoutMs: number) =>
    waitUntil(
      `${action} of ${id} is accepted`,
      () => act(id, action),
      ({ status }) => status === 202,
      { timeoutMs, pollMs: 50 },
    )

  return {
    send,
    show,
    list: () => everyPage<InstanceBody>('instances'),
    operation,
    operations: () => everyPage<OperationBody>('operations'),
    ended,
    createSource: async (name, timeoutMs) => {
      const answer = await expectOk<{ instance: InstanceBody }>('POST', '/instances', {
        instance: { name, flavorRef: '1', volume: { size: 1 }, datastore: { type: 'redis' } },
      })
      const { id, password } = answer.body.instance
      if (!password) throw new Error('the create answer holds no password')
      await healthy(id, timeoutMs)
      return { id, password }
    },
    createReplicas: async (sourceId, name, count) => {
      const answer = await expectOk('POST', '/instances', {
        instance: { name, replica_of: sourceId, replica_count: count },
      })
      const outcome = await ended(answer.operationId, 120_000)
      if (outcome.state !== 'done')
        throw new Error(`create_replicas ended ${outcome.state}: ${JSON.stringify(outcome)}`)
      return ((await show(sourceId)).replicas ?? []).map((replica) => replica.id)
    },
    act,
    eject: (sourceId, timeoutMs = 40_000) => accepted(sourceId, 'eject_replica_source', timeoutMs),
    promote: async (candidateId) => {
      const { operationId } = await accepted(candidateId, 'promote_to_replica_source', 20_000)
      return ended(operationId, 120_000)
    },
    addressOf: async (id) => {
      const address = (await show(id)).addresses?.[0]?.address
      if (!address) throw new Error(`instance ${id} has no address`)
      return { host: address, port: 6379 }
    },
    healthy,
    gone: async (id, timeoutMs = 60_000) => {
      await waitUntil(
        `instance ${id} is gone`,
        () => send('GET', `/instances/${id}`),
        (answer) => answer.status === 404,
        {
          timeoutMs,
          pollMs: 50,
        },
      )
    },
  }
}

interface Asked {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

type Ask = (url: string, asked: Asked) => Promise<Omit<Answer<never>, 'body'> & { readonly text: string }>

const askByFetch: Ask = async (url, asked) => {
  const response = await fetch(url, asked)
  return {
    status: response.status,
    text: await response.text(),
    operationId: response.headers.get('x-redtrove-operation-id'),
  }
}

/** `fetch` cannot be told whom to trust. */
function askTrusting(ca: string): Ask {
  const agent = new Agent({ ca, keepAlive: true, timeout: 30_000 })
  return (url, { body, ...options }) =>
    new Promise((resolve, reject) => {
      const sent = request(url, { ...options, agent }, (response) => {
        const operationId = response.headers['x-redtrove-operation-id']
        const answer = {
          status: response.statusCode ?? 0,
          operationId: operationId ? String(operationId) : null,
        }
        readText(response).then((text) => resolve({ ...answer, text }), reject)
      })
      sent.once('error', reject)
      sent.end(body)
    })
}
