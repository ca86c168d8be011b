/* The API over a database of many instances, beside a bare Express app that answers a constant body of the same size, in turns. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { startStack } from '../test/harness/stack.js'
import { type Bench, type Figure, ms, times } from './figure.js'
import { fillWithInstances } from './many-instances.js'
import { watchStalls } from './stalls.js'
import { ratios, summary } from './statistics.js'

const CONNECTIONS = 50
const PAIRS = 5
const SECONDS = 4
/** Not counted: the first requests after filling compile code and read the index. */
const WARM_UP_SECONDS = 2
const FEW = 1_000
const MANY = 10_000
const IDS_ASKED = 500

interface Load {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** How long the process that makes the load stood still at most. */
  readonly stallMs: number
}

interface Question {
  readonly name: string
  readonly requests: readonly autocannon.Request[]
  /** Answer that the question must get; anything else ends the bench. */
  readonly status: number
}

export const api: Bench = {
  name: 'api',
  run: async (progress) => {
    const stack = await startStack({
      env: { REDTROVE_API_REQUESTS_PER_MINUTE: '100000000', REDTROVE_LOG_LEVEL: 'warn' },
    })
    try {
      const databaseUrl = `sqlite:${join(stack.stateDir, 'redtrove.sqlite')}`
      const figures: Figure[] = []
      const few: Record<string, number> = {}
      progress(`${FEW} instances`)
      for (const question of questionsOf(stack, await fillWithInstances(databaseUrl, 'demo', FEW)))
        few[question.name] = (await load(stack.url, question)).perSecond
      const ids = await fillWithInstances(databaseUrl, 'demo', MANY)
      for (const question of questionsOf(stack, ids)) {
        progress(`${MANY} instances: ${question.name}`)
        figures.push(await compare(stack.url, question, few[question.name] ?? Number.NaN))
      }
      return figures
    } finally {
      await stack.stop()
    }
  },
}

function questionsOf({ token }: { readonly token: string }, ids: readonly string[]): readonly Question[] {
  const headers = { 'x-auth-token': token, accept: 'application/json' }
  const step = Math.max(1, Math.floor(ids.length / IDS_ASKED))
  const some = ids.filter((_, index) => index % step === 0)
  const sorted = [...ids].sort()
  const creation = JSON.stringify({ instance: { name: 'one more', flavorRef: '1', volume: { size: 1 } } })
  return [
    {
      name: 'list page',
      status: 200,
      // Pages all over the list, not one that everybody asks for.
      requests: some.map((_, index) => ({
        method: 'GET' as const,
        path: `/instances?limit=20&marker=${sorted[(index * 37) % (sorted.length - 20)]}`,
        headers,
      })),
    },
    {
      name: 'show',
      status: 200,
      requests: some.map((id) => ({ method: 'GET' as const, path: `/instances/${id}`, headers })),
    },
    {
      name: 'create, validated and refused by the quota',
      status: 413,
      requests: [
        {
          method: 'POST' as const,
          path: '/instances',
          headers: { ...headers, 'content-type': 'application/json' },
          body: creation,
        },
      ],
    },
  ]
}

async function compare(url: string, question: Question, fewPerSecond: number): Promise<Figure> {
  const bytes = await answerBytes(url, question)
  const bare = await bareExpress(bytes)
  const ours: Load[] = []
  const theirs: Load[] = []
  try {
    await load(url, question, WARM_UP_SECONDS)
    for (let round = 0; round < PAIRS; round += 1) {
      ours.push(await load(url, question))
      theirs.push(await load(bare.url, { ...question, status: 200 }))
    }
  } finally {
    bare.child.kill('SIGTERM')
  }
  const of = (loads: readonly Load[], what: keyof Load) => loads.map((one) => one[what])
  const ratio = ratios(of(ours, 'perSecond'), of(theirs, 'perSecond'))
  const [rate, rateBare] = [summary(of(ours, 'perSecond')), summary(of(theirs, 'perSecond'))]
  const p99Ms = Math.max(...of(ours, 'p99Ms'))
  const flat = rate.median / fewPerSecond
  const isList = question.name === 'list page'
  return {
    name: `API with ${MANY} instances, ${CONNECTIONS} connections: ${question.name}`,
    ours: `${rate.median.toFixed(0)}/s, p50 ${ms(summary(of(ours, 'p50Ms')).median)}, p99 ${ms(p99Ms)}`,
    baseline: `bare Express, ${bytes} bytes: ${rateBare.median.toFixed(0)}/s, p99 ${ms(Math.max(...of(theirs, 'p99Ms')))}`,
    ratio: times(ratio),
    bar: `${isList ? 'p99 ≤ 100 ms, ' : ''}${question.status === 200 ? '≥ 0.3 × bare Express, ' : ''}flat from ${FEW} to ${MANY}`,
    holds: (!isList || p99Ms <= 100) && (question.status !== 200 || ratio.median >= 0.3) && flat >= 0.8,
    raw: {
      'ours per second': of(ours, 'perSecond'),
      'bare per second': of(theirs, 'perSecond'),
      'ours p50 ms': of(ours, 'p50Ms'),
      'ours p99 ms': of(ours, 'p99Ms'),
      'bare p99 ms': of(theirs, 'p99Ms'),
    },
    notes: [
      `${question.name}: p99 of each round ${of(ours, 'p99Ms').join(', ')} ms; the load itself stood still for ${Math.max(...of(ours, 'stallMs')).toFixed(0)} ms at most`,
      `${question.name}: with ${FEW} instances ${fewPerSecond.toFixed(0)}/s, so ${flat.toFixed(2)} × of it with ${MANY}`,
    ],
  }
}

async function load(url: string, { requests, status }: Question, duration = SECONDS): Promise<Load> {
  const base = new URL(url)
  let sent = 0
  const stall = watchStalls()
  const result = await autocannon({
    url: base.origin,
    connections: CONNECTIONS,
    duration,
    // One list for all connections: given as a list, autocannon builds all of it for each connection before the next one starts,
    // and what that took (half a second and more) was counted as the answer time of the first fifty requests.
    requests: [
      {
        setupRequest: (request) => {
          const next = requests[sent++ % requests.length]
          return { ...request, ...next, path: `${base.pathname}${next?.path}` }
        },
      },
    ],
  })
  const codes = Object.keys(result.statusCodeStats ?? {})
  if (codes.some((code) => Number(code) !== status) || result.errors > 0)
    throw new Error(`wanted ${status}, got ${codes.join(', ')} and ${result.errors} errors`)
  return {
    perSecond: result.requests.average,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    stallMs: stall(),
  }
}

async function answerBytes(url: string, { requests }: Question): Promise<number> {
  const [first] = requests
  const response = await fetch(`${url}${first?.path}`, {
    method: first?.method ?? 'GET',
    headers: first?.headers as Record<string, string>,
    ...(first?.body ? { body: String(first.body) } : {}),
  })
  return (await response.arrayBuffer()).byteLength
}

function bareExpress(bytes: number): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const child = fork(join(import.meta.dirname, 'bare-express.mjs'), [String(bytes)], { execArgv: [] })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('message', (port) => resolve({ url: `http://127.0.0.1:${port}`, child }))
  })
}
