import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../api/app.js'
import { openTestApi, type TestApi } from '../harness/api.js'

const TOKEN = 'demo-token-0123456789'

describe('a hostile request', () => {
  let api: TestApi
  let server: Server
  beforeAll(async () => {
    api = await openTestApi({ REDTROVE_API_REQUESTS_PER_MINUTE: '1000000' })
    await api.healthySet(1)
    server = createServer(createApp(api.context)).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(async () => {
    await new Promise((resolve) => void server.close(resolve).closeAllConnections())
    await api.close()
  })

  /** What comes back for bytes as they are, without a client that would tidy them. */
  async function raw(...lines: readonly string[]): Promise<string> {
    const { port } = server.address() as AddressInfo // an inet server has no path
    const socket = connect(port, '127.0.0.1')
    socket.write(`${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`)
    return readText(socket)
  }

  const post = (type: string, body: string | Buffer, encoding?: string) => {
    const call = api.raw().post('/v1.0/demo/instances').set('x-auth-token', TOKEN).set('content-type', type)
    // Bytes as they are: a Buffer would be sent as JSON.
    return (encoding ? call.set('content-encoding', encoding) : call).serialize((bytes) => bytes).send(body)
  }

  it('that is no JSON, or of another type, or too large, gets the framework’s shape', async () => {
    const torn = await post('application/json', '{"instance": {')
    expect(torn.status).toBe(400)
    expect(torn.body).toMatchObject({ code: '400 Bad Request', title: 'Bad Request' })
    expect((await post('text/xml', '<x/>')).status).toBe(415)
    expect((await post('application/json', JSON.stringify({ pad: 'x'.repeat(1_100_000) }))).status).toBe(413)
    const large = await post('application/json', JSON.stringify({ pad: 'x'.repeat(17_000) }))
    expect(large.status).toBe(413)
    expect(large.body.message).toMatch(/16 KiB/)
    const none = await api.raw().post('/v1.0/demo/instances').set('x-auth-token', TOKEN)
    expect(none.status).toBe(400)
    expect(none.body.badRequest.message).toMatch(/^Validation error/)
  })

  it('that is compressed is refused unread, whole or damaged', async () => {
    const many = { instance: { name: 'a', access: { allowed_cidrs: Array(500_000).fill(1) } } }
    const whole = gzipSync(JSON.stringify(many))
    const damaged = Buffer.from(whole)
    damaged[20] = (damaged[20] ?? 0) ^ 255
    console.log(`compressed body: ${whole.length} bytes for ${JSON.stringify(many).length}`)
    for (const encoding of ['gzip', 'deflate', 'br']) {
      for (const bytes of [whole, damaged]) {
        const answer = await post('application/json', bytes, encoding)
        expect(answer.status, `${encoding}: ${answer.text}`).toBe(415)
        expect(answer.body.message).toMatch(/compress/)
      }
    }
  })

  it('with many faults gets the first one, in a sentence of bounded length', async () => {
    const faulty = Array.from({ length: 3_000 }, () => ({}))
    const answer = await post('application/json', JSON.stringify({ instance: { name: 'a', users: faulty } }))
    expect(answer.status).toBe(400)
    const key = 'k'.repeat(15_000)
    const unknown = await api
      .raw()
      .put('/v1.0/demo/instances/x')
      .set('x-auth-token', TOKEN)
      .send({ instance: { [key]: 1 } })
    expect(unknown.status).toBe(400)
    for (const { text } of [answer, unknown]) expect(text.length).toBeLessThan(1_200)
  })

  it.each([
    ['x:99999'],
    ['a", evil="b'],
    ['a b'],
    ['a/b'],
    ['user@host'],
    ['[::1'],
    ['1.2.3.4.5'],
    [`${'h'.repeat(300)}`],
  ])('with the Host %s is 400 whatever it asks for, and the text does not come back', async (host) => {
    for (const [path, ...more] of [
      ['/v1.0/demo/instances?limit=1', `x-auth-token: ${TOKEN}`],
      ['/v1.0/demo/instances'],
      ['/'],
      ['/healthcheck'],
    ]) {
      const answer = await raw(`GET ${path} HTTP/1.1`, `host: ${host}`, ...more)
      expect(answer, path).toMatch(/^HTTP\/1\.1 400 /)
      expect(answer).not.toContain(host)
    }
  })

  it('without a Host gets links to where it came in', async () => {
    const answer = await raw('GET /v1.0/demo/instances?limit=1 HTTP/1.0', `x-auth-token: ${TOKEN}`)
    const { port } = server.address() as AddressInfo
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).toContain(`http://127.0.0.1:${port}/v1.0/demo/instances?limit=1&marker=`)
  })

  it.each([
    ['a header', 'GET / HTTP/1.1', 'host: a', 'x-auth-token: \u0000'],
    ['the address', 'GET /\u0000 HTTP/1.1', 'host: a'],
  ])('with U+0000 in %s is 400', async (_what, ...lines) => {
    expect(await raw(...lines)).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('cannot have what it sent come back in a header', async () => {
    const mark = 'mark-of-a-stranger'
    for (const lines of [
      ['GET /v1.0/demo/instances HTTP/1.1', 'host: localhost', `x-auth-token: ${mark}`],
      [`GET /docs/${mark} HTTP/1.1`, 'host: localhost', `origin: ${mark}`, `x-forwarded-proto: ${mark}`],
      [`GET /docs/assets HTTP/1.1`, `host: ${mark}`, `x-forwarded-host: ${mark}`, `x-request-id: ${mark}`],
      [`GET //${mark}/v1.0/ HTTP/1.1`, 'host: localhost', `accept: ${mark}`, `cookie: ${mark}`],
    ]) {
      const [head = ''] = (await raw(...lines)).split('\r\n\r\n')
      expect(head).toMatch(/^HTTP\/1\.1 4/)
      expect(head).not.toContain(mark)
    }
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
