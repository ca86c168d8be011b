import { afterEach, expect, it } from 'vitest'
import {
  type FixtureService,
  idOf,
  operationFixture,
  redtrove,
  startFixtureService,
} from './fixture-service.js'

let service: FixtureService
afterEach(() => service.stop())

const page = (first: number, count: number, next?: number) => ({
  body: {
    operations: Array.from({ length: count }, (_, i) => operationFixture({ id: idOf(first - i) })),
    ...(next
      ? { links: [{ rel: 'next', href: `https://x/v1.0/demo/operations?marker=${idOf(next)}` }] }
      : {}),
  },
})

/** 45 operations, newest first, 20 a page whatever is asked for. */
async function list(...options: string[]) {
  service = await startFixtureService({
    'GET /operations?limit=20': page(45, 20, 26),
    'GET /operations?limit=3': page(45, 3, 43),
    'GET /operations?limit=30': page(45, 20, 26),
    [`GET /operations?limit=10&marker=${idOf(26)}`]: page(25, 10, 16),
    'GET /operations': page(45, 20, 26),
    [`GET /operations?marker=${idOf(26)}`]: page(25, 20, 6),
    [`GET /operations?marker=${idOf(6)}`]: page(5, 5),
  })
  const outcome = await redtrove(service.env, ['--json', 'operation', 'list', ...options])
  const shown = outcome.code === 0 ? (JSON.parse(outcome.out) as { id: string }[]).map(({ id }) => id) : []
  return { ...outcome, shown, requests: service.seen.length }
}

const newest = (count: number) => Array.from({ length: count }, (_, i) => idOf(45 - i))

it.each([
  [[], 20, 1],
  [['--limit', '3'], 3, 1],
  [['--limit', '30'], 30, 2],
])(
  'operation list %j shows the newest, with as few requests as that takes',
  async (options, count, requests) => {
    const outcome = await list(...options)
    expect(outcome).toMatchObject({ code: 0, shown: newest(count), requests })
    expect(outcome.err).toMatch(/older ones; --limit or --all/)
  },
)

it('operation list --all shows all', async () => {
  expect(await list('--all')).toMatchObject({ code: 0, shown: newest(45), requests: 3, err: '' })
})

it.each(['0', '-1', '1.5', 'many'])('--limit %s is a mistake of usage', async (limit) => {
  expect(await list('--limit', limit)).toMatchObject({ code: 2, requests: 0 })
})
