import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestApi, type TestApi } from '../harness/api.js'
import { describeOnBoth } from '../harness/database.js'

const TOKEN = 'demo-token-0123456789'
const ROUTES = [
  'post /instances',
  'put /instances/ID',
  'patch /instances/ID',
  'post /instances/ID/action',
  'post /instances/ID/root',
] as const

/** Every property here is held against both engines: what one of them stores without a word the other one refuses. */
describeOnBoth('hostile input', (open) => {
  let api: TestApi
  let ids: readonly string[]
  beforeAll(async () => {
    api = await openTestApi({ REDTROVE_API_REQUESTS_PER_MINUTE: '1000000' }, open)
    ids = await api.healthySet(1)
  })
  afterAll(() => api.close())

  const sendJson = (route: (typeof ROUTES)[number], body: string) => {
    const [method = 'post', path = ''] = route.split(' ')
    const call = api.raw()[method as 'post'](`/v1.0/demo${path.replace('ID', ids[1] ?? '')}`)
    return call.set('x-auth-token', TOKEN).set('content-type', 'application/json').send(body)
  }

  it('in a body never gives a 5xx but 501', async () => {
    const keys = fc.constantFrom(
      'name',
      'flavorRef',
      'volume',
      'datastore',
      'replica_of',
      'replica_count',
      'nics',
      'access',
      'users',
      'locality',
      'slave_of',
      'configuration',
      '__proto__',
      'restart',
      'reset_status',
    )
    const body = fc.oneof(
      fc.json().map((text) => JSON.parse(text)),
      fc.record({ instance: fc.dictionary(keys, fc.jsonValue()) }),
      fc.dictionary(keys, fc.jsonValue()),
    )
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom(...ROUTES), async (value, route) => {
        const answer = await sendJson(route, JSON.stringify(value))
        expect(
          answer.status === 501 || answer.status < 500,
          `${route} ${JSON.stringify(value)}: ${answer.text}`,
        ).toBe(true)
      }),
      { numRuns: 150 },
    )
  }, 60_000)

  it('in an address never gives a 5xx', async () => {
    // U+0000 among them: half of what a program sends by mistake is zeros.
    const text = fc.string({
      maxLength: 60,
      unit: fc.oneof(fc.constant('\u0000'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })),
    })
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        const asked = encodeURIComponent(value)
        for (const path of [
          `/instances/${asked}`,
          `/instances?marker=${asked}`,
          `/flavors/${asked}`,
          `/operations/${asked}`,
        ]) {
          const answer = await api.raw().get(`/v1.0/demo${path}`).set('x-auth-token', TOKEN)
          expect(answer.status, `${path}: ${answer.text}`).toBeLessThan(500)
        }
      }),
      { numRuns: 30 },
    )
    expect((await api.raw().get('/v1.0/demo/instances/%E0%A4%A').set('x-auth-token', TOKEN)).status).toBe(400)
  }, 60_000)

  it.each([
    '/v1.0/demo/instances/%00',
    '/v1.0/demo/instances?marker=%00',
    '/v1.0/demo/instances?unknown=a%00b',
    '/v1.0/demo/operations/%00',
    '/v1.0/demo/mgmt/quotas/%00',
    '/v1.0/demo%00/instances',
    '/docs/assets/%00',
  ])('U+0000 in the address %s is 400', async (path) => {
    const answer = await api.raw().get(path).set('x-auth-token', TOKEN)
    expect(answer.status, answer.text).toBe(400)
  })

  it.each([
    { instance: { name: 'a\u0000b', flavorRef: '1', volume: { size: 1 } } },
    { instance: { name: 'a', flavorRef: '1', volume: { size: 1, type: 'x\u0000' } } },
    { instance: { name: 'a', flavorRef: '1', volume: { size: 1 }, availability_zone: '\u0000' } },
    { instance: { name: 'a', flavorRef: '1', volume: { size: 1 }, 'unknown\u0000key': [{ deep: 1 }] } },
    { instance: { name: 'a', flavorRef: '1', volume: { size: 1 }, unknown: [[['half \ud800']]] } },
  ])('text that no database keeps as it is is 400: %j', async (body) => {
    const answer = await sendJson('post /instances', JSON.stringify(body))
    expect(answer.status, answer.text).toBe(400)
    expect(answer.body.badRequest.message).toMatch(/U\+0000|surrogate/)
  })

  it('of one project never fails the look of another', async () => {
    const [foreign = ''] = await api.healthySet(0, 'other')
    let refused = 0
    const attack = async () => {
      for (let i = 0; i < 25; i++) {
        // Past the door, as a fault of ours in front of the store would let it through.
        await api.store.instances.find('demo', '\u0000').catch(() => (refused += 1))
        await api.store.instances.list('demo', { limit: 1, marker: '\u0000' }).catch(() => (refused += 1))
      }
    }
    const look = async () => {
      const seen: number[] = []
      for (let i = 0; i < 40; i++)
        seen.push((await api.send('get', `/instances/${foreign}`, undefined, 'other')).status)
      return seen
    }
    const [statuses] = await Promise.all([look(), attack(), attack(), attack()])
    console.log(`hostile questions that failed: ${refused}; looks of the other project: ${statuses.length}`)
    expect(statuses.filter((status) => status !== 200)).toEqual([])
  }, 60_000)

  it('a name that no longer fits once numbered is 400', async () => {
    const body = { name: 'x'.repeat(255), replica_of: ids[0], replica_count: 2 }
    const answer = await sendJson('post /instances', JSON.stringify({ instance: body }))
    expect(answer.status, answer.text).toBe(400)
    expect(answer.body.badRequest.message).toMatch(/253/)
  })

  it.each([
    'escape \u001b]0;x\u0007',
    'line\r\nfeed',
    'reversed \u202etxt',
    'zero\u200bwidth',
    'line\u2028separator',
    'no\u00a0break',
    'c1 \u009b31m',
    'half \ud83d',
    'tag \u{e0041}',
  ])('a name with a character that steers a terminal is refused: %j', async (name) => {
    const source = { name, flavorRef: '1', volume: { size: 1 } }
    for (const [route, instance] of [
      ['post /instances', source],
      ['post /instances', { name, replica_of: ids[0] }],
      ['put /instances/ID', { name }],
      ['patch /instances/ID', { name }],
    ] as const) {
      const answer = await sendJson(route, JSON.stringify({ instance }))
      expect(answer.status, `${route}: ${answer.text}`).toBe(400)
      expect(answer.body.badRequest.message).toMatch(/surrogate|control, format or separator/)
    }
  })

  it.each(['orders 2', 'Bücher-1', '缓存 7', 'a_b.c:d/e'])('an honest name is taken: %s', async (name) => {
    expect((await sendJson('put /instances/ID', JSON.stringify({ instance: { name } }))).status).toBe(202)
  })
})
