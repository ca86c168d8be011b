import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { run } from '../../../cli/main.js'
import type { components } from '../../../wire/http/openapi.js'

type Schemas = components['schemas']
type Reply = { readonly status?: number; readonly body?: unknown; readonly operationId?: string }

/** A request as the service got it. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly token: string | undefined
  readonly body: unknown
}

/** A service that answers from a table: `METHOD /path` (below /v1.0/demo) → one reply, or several in turn, the last for ever. */
export interface FixtureService {
  readonly env: Readonly<Record<string, string>>
  readonly seen: readonly Seen[]
  stop(): Promise<void>
}

/** Starts one on a free port of the loopback. What the table does not have is a 404 fault. */
export async function startFixtureService(
  table: Readonly<Record<string, Reply | readonly Reply[]>>,
): Promise<FixtureService> {
  const seen: Seen[] = []
  const turns = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '').replace('/v1.0/demo', '')
    const key = `${request.method} ${path}`
    const token = request.headers['x-auth-token']
    seen.push({ method: request.method ?? '', path, token: String(token), body: await bodyOf(request) })
    const turn = turns.get(key) ?? 0
    turns.set(key, turn + 1)
    const reply = replyOf(table[key], turn)
    if (reply.operationId) response.setHeader('x-redtrove-operation-id', reply.operationId)
    response.statusCode = reply.status ?? 200
    response.end(reply.body === undefined ? '' : JSON.stringify(reply.body))
  })
  const port = await listen(server)
  return {
    env: { REDTROVE_URL: `http://127.0.0.1:${port}/v1.0/demo`, REDTROVE_TOKEN: 'a-token' },
    seen,
    stop: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
  }
}

function replyOf(found: Reply | readonly Reply[] | undefined, turn: number): Reply {
  const replies: readonly Reply[] = found === undefined ? [] : Array.isArray(found) ? found : [found as Reply] // isArray forgets readonly
  return (
    replies[Math.min(turn, replies.length - 1)] ?? {
      status: 404,
      body: { itemNotFound: { code: 404, message: 'It cannot be found.' } },
    }
  )
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text === '' ? undefined : JSON.parse(text)
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port // an inet server has no path
}

/** What one command line printed and how it ended. */
export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line against `env`, as in a pipe unless `terminal` says otherwise. */
export async function redtrove(
  env: Readonly<Record<string, string>>,
  line: readonly string[],
  terminal: { readonly isTerminal?: boolean; readonly columns?: number } = {},
): Promise<Outcome> {
  const out: string[] = []
  const err: string[] = []
  const code = await run(line, {
    print: (text) => void out.push(text),
    note: (text) => void err.push(text),
    isTerminal: terminal.isTerminal === true,
    canRewrite: terminal.isTerminal === true,
    columns: terminal.columns ?? 200,
    env,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

/** An id that says what it is for: `idOf(7)` ends in 7. */
export function idOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

/** A healthy source; `change` replaces what a test is about. */
export function instanceFixture(
  number: number,
  change: Partial<Schemas['Instance']> = {},
): Schemas['Instance'] {
  return {
    id: idOf(number),
    name: `cache-${number}`,
    status: 'ACTIVE',
    operating_status: 'HEALTHY',
    links: [],
    flavor: { id: '1', links: [] },
    volume: { size: 1 },
    datastore: { type: 'redis', version: '7.0' },
    region: 'RegionOne',
    access: { is_public: false },
    addresses: [{ address: `127.83.0.${number}`, type: 'private' }],
    port: 6379,
    ...change,
  }
}

/** What the view of the set of instances 1 and 2 says of them, as far as their cards read it. */
export const setFixture = {
  members: [
    { id: idOf(1), memory_used_bytes: 1024, keys: 6 },
    { id: idOf(2), memory_used_bytes: 3072, keys: 7 },
  ],
}

/** An operation on instance 1; `change` replaces what a test is about. */
export function operationFixture(change: Partial<Schemas['Operation']> = {}): Schemas['Operation'] {
  return {
    id: idOf(900),
    kind: 'promote_to_replica_source',
    state: 'done',
    instance_id: idOf(1),
    members: [idOf(1)],
    epoch: 4,
    request_id: 'req-1',
    created: '2026-01-02T03:04:05',
    started: '2026-01-02T03:04:05',
    ended: '2026-01-02T03:04:06',
    duration_ms: 120,
    fault: null,
    result: { summary: 'cache-1 leads' },
    steps: [],
    ...change,
  }
}

/** A step of an operation; `change` replaces what a test is about. */
export function stepFixture(
  change: Partial<NonNullable<Schemas['Operation']['steps']>[number]>,
): NonNullable<Schemas['Operation']['steps']>[number] {
  return {
    name: 'compare',
    state: 'done',
    attempt: 1,
    started: '2026-01-02T03:04:05',
    ended: '2026-01-02T03:04:05',
    duration_ms: 3,
    detail: null,
    ...change,
  }
}
