import { copyFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../../api/app.js'
import { type ServedApi, serveApi } from '../../api/http/serve.js'
import { sendRequest } from '../../cli/send-request.js'
import { createLogger } from '../../common/log.js'
import { readSettings } from '../../common/settings/settings.js'
import { readAuthorities } from '../../common/tls/certificates.js'
import { waitUntil } from '../../common/wait-until.js'
import { openTestApi, type TestApi, TOKENS } from '../harness/api.js'
import { type TestAuthority, type TestIdentity, testAuthority } from '../harness/certificates.js'
import { redtrove } from '../unit/cli/fixture-service.js'

describe('the API by HTTPS', () => {
  let api: TestApi
  let authority: TestAuthority
  let identity: TestIdentity
  let served: ServedApi
  let env: Record<string, string>

  const serve = (given: Record<string, string>) =>
    serveApi(
      createApp(api.context),
      readSettings({ REDTROVE_API_PORT: '0', ...given }),
      createLogger('test', 'silent'),
      20,
    )
  const at = (scheme: string, host: string) => `${scheme}://${host}:${served.port}/v1.0/demo`
  const list = (changes: Record<string, string>) => redtrove({ ...env, ...changes }, ['instance', 'list'])

  beforeEach(async () => {
    api = await openTestApi()
    authority = testAuthority()
    identity = authority.issue('api', 'DNS:localhost')
    served = await serve({ REDTROVE_API_CERT_FILE: identity.cert, REDTROVE_API_KEY_FILE: identity.key })
    env = {
      REDTROVE_URL: at('https', 'localhost'),
      REDTROVE_TOKEN: TOKENS[0].token,
      REDTROVE_CA_FILE: authority.ca,
    }
  })
  afterEach(async () => {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    await served.close()
    await api.close()
    authority.remove()
  })

  it('answers whoever trusts its CA', async () => {
    expect(await list({})).toMatchObject({ code: 0, err: '' })
  })

  it('is refused by a client that trusts another CA, or none', async () => {
    const stranger = testAuthority()
    for (const ca of [stranger.ca, '']) {
      const { code, err } = await list({ REDTROVE_CA_FILE: ca })
      expect(code).toBe(5)
      expect(err).toMatch(
        /certificate is signed by none that is trusted here .*REDTROVE_CA_FILE names the CA/,
      )
    }
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    expect((await list({ REDTROVE_CA_FILE: stranger.ca })).code).toBe(5)
    stranger.remove()
  })

  it('is refused by a client that called it by another name', async () => {
    const { code, err } = await list({ REDTROVE_URL: at('https', '127.0.0.1') })
    expect(code).toBe(5)
    expect(err).toMatch(/certificate is for another name: .*127\.0\.0\.1/)
  })

  it('a CA file that cannot be used is a bad setting of the client', async () => {
    expect(await list({ REDTROVE_CA_FILE: '/nowhere/ca.pem' })).toMatchObject({
      code: 78,
      err: expect.stringMatching(/REDTROVE_CA_FILE: \/nowhere\/ca\.pem cannot be read/),
    })
  })

  it('hangs up on plain text, and the client says what that may mean', async () => {
    const { code, err } = await list({ REDTROVE_URL: at('http', 'localhost') })
    expect(code).toBe(5)
    expect(err).toMatch(/has to begin with https:\/\//)
    const socket = connectPlain(served.port, '127.0.0.1').on('error', () => undefined)
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.write('hello\r\n\r\n')
    await ended
  })

  it('a client that expects TLS where there is none says so', async () => {
    await served.close()
    served = await serve({})
    const { code, err } = await list({ REDTROVE_URL: at('https', 'localhost') })
    expect(code).toBe(5)
    expect(err).toMatch(/does not speak TLS on this port/)
  })

  it('says https in what it tells about itself', async () => {
    const { code, err } = await list({ REDTROVE_TOKEN: 'nobody' })
    expect([code, err]).toEqual([4, expect.stringContaining('requires authentication')])
    const told = await versions()
    expect(told).toContain(`"href":"https://localhost:${served.port}/v1.0/"`)
  })

  it('takes a renewed certificate without a restart, and keeps the old one while the files do not fit', async () => {
    const serial = () =>
      new Promise<string>((resolve, reject) => {
        const options = {
          port: served.port,
          host: '127.0.0.1',
          servername: 'localhost',
          rejectUnauthorized: false,
        }
        const socket = connectTls(options, () => {
          resolve(socket.getPeerCertificate().serialNumber)
          socket.destroy()
        }).once('error', reject)
      })
    const first = await serial()
    const renewed = authority.issue('renewed', 'DNS:localhost')
    copyFileSync(renewed.cert, identity.cert)
    expect(await serial()).toBe(first)
    copyFileSync(renewed.key, identity.key)
    await waitUntil('the new one is shown', serial, (seen) => seen !== first, { timeoutMs: 10_000 })
    expect(await list({})).toMatchObject({ code: 0 })
  })

  it('does not start when the files went bad after they were checked', async () => {
    const files = { REDTROVE_API_CERT_FILE: identity.cert, REDTROVE_API_KEY_FILE: identity.key }
    const settings = { ...readSettings({ REDTROVE_API_PORT: '0', ...files }) }
    copyFileSync(authority.issue('other', 'DNS:localhost').key, join(authority.dir, 'api.key'))
    const starting = serveApi(createApp(api.context), settings, createLogger('test', 'silent'))
    await expect(starting).rejects.toMatchObject({ kind: 'bad_setting' })
  })

  async function versions(): Promise<string> {
    const url = `https://localhost:${served.port}/`
    const wanted = { url, method: 'GET', headers: {}, ca: readAuthorities(authority.ca), timeoutMs: 10_000 }
    return (await sendRequest(wanted)).text
  }
})
