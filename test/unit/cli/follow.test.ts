import { afterEach, describe, expect, it } from 'vitest'
import {
  type FixtureService,
  idOf,
  instanceFixture,
  operationFixture,
  redtrove,
  startFixtureService,
  stepFixture,
} from './fixture-service.js'

let service: FixtureService | undefined
afterEach(async () => {
  await service?.stop()
  service = undefined
})

type Replies = Parameters<typeof startFixtureService>[0][string]
const PROMOTE = ['instance', 'promote', idOf(1)]

async function promote(operation: Replies, options: string[], terminal = {}) {
  service = await startFixtureService({
    [`GET /instances/${idOf(1)}`]: { body: { instance: instanceFixture(1) } },
    [`POST /instances/${idOf(1)}/action`]: { status: 202, operationId: idOf(900) },
    [`GET /operations/${idOf(900)}`]: operation,
  })
  const outcome = await redtrove(service.env, [...PROMOTE, ...options], terminal)
  return { ...outcome, looks: service.seen.filter(({ path }) => path.startsWith('/operations')).length }
}

const looked = (change: Parameters<typeof operationFixture>[0]) => ({
  body: { operation: operationFixture(change) },
})
const running = looked({
  state: 'preparing',
  steps: [stepFixture({ name: 'freeze', state: 'running', duration_ms: null })],
})
const frozen = looked({
  state: 'committing',
  steps: [
    stepFixture({ name: 'freeze' }),
    stepFixture({ name: 'lead', state: 'running', duration_ms: null }),
  ],
})
const done = looked({ steps: [stepFixture({ name: 'freeze' }), stepFixture({ name: 'lead' })] })

describe('waiting for an operation', () => {
  it('shows each step as it comes, and how it ended', async () => {
    const { code, err } = await promote([running, running, frozen, done], ['--wait'])
    expect(code).toBe(0)
    expect(err.split('\n')).toEqual([
      '  … freeze',
      '  ✓ freeze (3 ms)',
      '  … lead',
      '  ✓ lead (3 ms)',
      'promote_to_replica_source done in 120 ms: cache-1 leads',
    ])
  })

  it('writes over the last line of a terminal, and of nothing else', async () => {
    const { err } = await promote([running, frozen, done], [], { isTerminal: true })
    expect(err.split('\n').slice(0, 3)).toEqual([
      '  … freeze',
      '\u001b[1A\u001b[2K  ✓ freeze (3 ms)',
      '  … lead',
    ])
  })

  it('cuts what does not fit a line of the terminal, and control characters', async () => {
    const long = looked({ steps: [stepFixture({ detail: `a\u001b[2J${'b'.repeat(200)}` })] })
    const { err } = await promote(long, [], { isTerminal: true, columns: 40 })
    const [line = ''] = err.split('\n')
    expect(line).toHaveLength(39)
    expect(line).toContain('a?[2J')
  })

  it('is the default on a terminal only', async () => {
    expect(await promote(done, [], { isTerminal: true })).toMatchObject({ looks: 1 })
    await service?.stop()
    const piped = await promote(done, [])
    expect(piped).toMatchObject({ looks: 0, code: 0 })
    expect(piped.err).toContain(`redtrove operation show ${idOf(900)}`)
    await service?.stop()
    expect(await promote(done, ['--no-wait'], { isTerminal: true })).toMatchObject({ looks: 0 })
  })

  it.each([
    ['rolled_back', 'everything is as before'],
    ['failed', 'failed'],
  ] as const)('ends with 1 and the reason when it is %s', async (state, words) => {
    const { code, err } = await promote(looked({ state, fault: 'the candidate is behind' }), ['--wait'])
    expect(code).toBe(1)
    expect(err).toContain(words)
    expect(err).toContain('the candidate is behind')
  })

  it('goes on while the service is away for a moment', async () => {
    const away = { status: 503, body: { serviceUnavailable: { code: 503, message: 'away' } } }
    expect(await promote([running, away, away, done], ['--wait'])).toMatchObject({ code: 0, looks: 4 })
  })

  it('ends with 6 when its time is over, and says where to look', async () => {
    const { code, err } = await promote(running, ['--wait', '--timeout', '0.01'])
    expect(code).toBe(6)
    expect(err).toContain('is preparing')
    expect(err).toContain(`redtrove operation show ${idOf(900)}`)
  })

  it('prints the operation as JSON', async () => {
    const { out } = await promote(done, ['--wait', '--json'])
    expect(JSON.parse(out)).toMatchObject({ id: idOf(900), state: 'done' })
  })
})
