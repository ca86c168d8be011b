import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '../../common/log.js'
import { waitUntil } from '../../common/wait-until.js'
import { openControlMessaging } from '../../wire/control/messaging.js'
import { type TestAuthority, testAuthority } from '../harness/certificates.js'
import { guestHandlers } from '../harness/guest-handlers.js'
import { openStage } from '../harness/messaging-stage.js'
import { observed } from '../harness/observed.js'
import { startTlsBroker, type TlsBroker } from '../harness/tls-broker.js'

let authority: TestAuthority
let stranger: TestAuthority
let broker: TlsBroker
beforeAll(async () => {
  authority = testAuthority()
  stranger = testAuthority()
  broker = await startTlsBroker(authority.issue('broker', 'DNS:localhost'))
}, 120_000)
afterAll(async () => {
  await broker?.stop()
  authority?.remove()
  stranger?.remove()
})
afterEach(() => {
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
})

/** What a control plane says that it waits for, the first time. */
async function trouble(url: string, caFile?: string): Promise<string> {
  const log = createLogger('test', 'silent')
  const said: string[] = []
  log.warn = (facts: unknown) => void said.push((facts as { why: string }).why)
  const trust = caFile ? { caFile } : {}
  const messaging = openControlMessaging({
    url,
    ...trust,
    keyOf: () => Buffer.alloc(32),
    log,
    consume: false,
  })
  try {
    const first = () => (messaging.connected() ? 'connected' : said[0])
    return (await waitUntil('it says what it waits for', first, Boolean, { timeoutMs: 15_000 })) ?? ''
  } finally {
    await messaging.close()
  }
}

describe('over amqps://', () => {
  it('a guest answers whom both ends trust', async () => {
    const stage = await openStage({ url: broker.url, caFile: authority.ca })
    stage.guest.serve(guestHandlers({ inspect: async () => ({ observation: observed({ keys: 42 }) }) }))
    expect((await stage.client.inspect({})).observation.keys).toBe(42)
    await stage.close()
  })

  it.each([
    ['another CA', () => stranger.ca, /none that is trusted here .*REDTROVE_AMQP_CA_FILE/],
    ['no CA at all', () => undefined, /none that is trusted here .*REDTROVE_AMQP_CA_FILE/],
    ['a CA whose file is gone', () => '/nowhere/ca.pem', /\/nowhere\/ca\.pem cannot be read/],
  ])('%s: it waits and says why', async (_what, caFile, words) => {
    expect(await trouble(broker.url, caFile())).toMatch(words)
  })

  it('a certificate of another name: it waits and says which', async () => {
    const url = broker.at('amqps', '127.0.0.1', broker.tlsPort)
    expect(await trouble(url, authority.ca)).toMatch(/certificate is for another name: .*127\.0\.0\.1/)
  })

  it('the environment cannot switch the verification off', async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    expect(await trouble(broker.url, stranger.ca)).toMatch(/none that is trusted here/)
  })

  it('TLS to a port without, and plain text to a port with it: both say so', async () => {
    const [tls, plain] = await Promise.all([
      trouble(broker.at('amqps', 'localhost', broker.plainPort), authority.ca),
      trouble(broker.at('amqp', 'localhost', broker.tlsPort)),
    ])
    expect(tls).toMatch(/does not speak TLS on this port/)
    expect(plain).toMatch(/amqps:\/\//)
  })
})
