import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestApi, type TestApi } from '../harness/api.js'

let api: TestApi
let ids: readonly string[]
beforeAll(async () => {
  api = await openTestApi({ REDTROVE_API_REQUESTS_PER_MINUTE: '1000000' })
  ids = await api.healthySet(1)
})
afterAll(() => api.close())

const TOKEN = 'demo-token-0123456789'

describe('hostile input', () => {
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
      fc.asyncProperty(
        body,
        fc.constantFrom(
          'post /instances',
          'put /instances/ID',
          'patch /instances/ID',
          'post /instances/ID/action',
          'post /instances/ID/root',
        ),
        async (value, route) => {
          const [method = 'post', path = ''] = route.split(' ')
          const call = api.raw()[method as 'post'](`/v1.0/demo${path.replace('ID', ids[1] ?? '')}`)
          const answer = await call
            .set('x-auth-token', TOKEN)
            .set('content-type', 'application/json')
            .send(JSON.stringify(value))
          expect(
            answer.status === 501 || answer.status < 500,
            `${route} ${JSON.stringify(value)}: ${answer.text}`,
          ).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  }, 60_000)

  it('in an address never gives a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 60 }), async (text) => {
        for (const path of [
          `/instances/${encodeURIComponent(text)}`,
          `/instances?marker=${encodeURIComponent(text)}`,
          `/flavors/${encodeURIComponent(text)}`,
          `/operations/${encodeURIComponent(text)}`,
        ]) {
          const answer = await api.raw().get(`/v1.0/demo${path}`).set('x-auth-token', TOKEN)
          expect(answer.status, `${path}: ${answer.text}`).toBeLessThan(500)
        }
      }),
      { numRuns: 60 },
    )
    expect((await api.raw().get('/v1.0/demo/instances/%E0%A4%A').set('x-auth-token', TOKEN)).status).toBe(400)
  }, 60_000)

  it('that is no JSON, or of another type, or too large, gets the framework’s shape', async () => {
    const post = (type: string, body: string) =>
      api.raw().post('/v1.0/demo/instances').set('x-auth-token', TOKEN).set('content-type', type).send(body)
    const torn = await post('application/json', '{"instance": {')
    expect(torn.status).toBe(400)
    expect(torn.body).toMatchObject({ code: '400 Bad Request', title: 'Bad Request' })
    expect((await post('text/xml', '<x/>')).status).toBe(415)
    expect((await post('application/json', JSON.stringify({ pad: 'x'.repeat(1_100_000) }))).status).toBe(413)
    const none = await api.raw().post('/v1.0/demo/instances').set('x-auth-token', TOKEN)
    expect(none.status).toBe(400)
    expect(none.body.badRequest.message).toMatch(/^Validation error/)
  })

  it('a flood is told to wait', async () => {
    const slow = await openTestApi({ REDTROVE_API_REQUESTS_PER_MINUTE: '3' })
    try {
      const statuses = []
      for (let i = 0; i < 4; i++) statuses.push((await slow.send('get', '/flavors')).status)
      expect(statuses).toEqual([200, 200, 200, 413])
      const refused = await slow.send('get', '/flavors')
      expect(refused.headers['retry-after']).toMatch(/^\d+$/)
      expect(refused.body.overLimit.retryAfter).toBe(refused.headers['retry-after'])
    } finally {
      await slow.close()
    }
  })
})
