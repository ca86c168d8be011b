import { randomUUID } from 'node:crypto'
import { type Channel, type ChannelModel, connect } from 'amqplib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { withAccount } from '../../wire/broker/account.js'
import { queueNames, UP } from '../../wire/broker/queues.js'
import { testBroker } from '../harness/broker.js'
import { guestHandlers } from '../harness/guest-handlers.js'
import { openStage, type Stage } from '../harness/messaging-stage.js'
import { observed } from '../harness/observed.js'

let stage: Stage
let names: ReturnType<typeof queueNames>
const connections: ChannelModel[] = []

beforeEach(async () => {
  stage = await openStage({ accounts: true })
  names = queueNames(stage.prefix)
})
afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close().catch(() => {})))
  await stage.close()
})

/** Somebody with the account that lies in the guest's folder. */
async function intruder(): Promise<ChannelModel> {
  const connection = await connect(withAccount(stage.url, stage.account))
  connection.on('error', () => {})
  connections.push(connection)
  return connection
}

/** What the broker says to an act on a channel of its own. */
async function said(connection: ChannelModel, act: (channel: Channel) => Promise<unknown>): Promise<string> {
  const channel = await connection.createConfirmChannel()
  const ended = new Promise<string>((resolve) => {
    channel.on('error', (error) => resolve(String(error)))
  })
  const done = act(channel).then(
    () => 'done',
    (error) => String(error),
  )
  const first = await Promise.race([done, ended])
  await channel.close().catch(() => {})
  return first
}

describe('an agent with an account of its own', () => {
  test('takes commands, answers, reports and asks', async () => {
    const reports: number[] = []
    stage.control.onReport(({ observation }) => reports.push(observation.keys ?? -1))
    stage.control.onQuestion(() => ({ assignmentOf: async () => ({ assignment: null }) }))
    stage.guest.serve(guestHandlers({ inspect: async () => ({ observation: observed({ keys: 42 }) }) }))
    expect((await stage.client.inspect({})).observation.keys).toBe(42)
    expect(await stage.guest.ask.assignmentOf({})).toEqual({ assignment: null })
    stage.guest.report(observed({ keys: 7 }))
    await expect.poll(() => reports).toEqual([7])
    expect(stage.guest.connected()).toBe(true)
  })
})

describe('somebody with the account of one guest', () => {
  test('can take, make, change and fill nothing that is not that guest’s', async () => {
    const other = randomUUID()
    await stage.control.declareGuest(other)
    const connection = await intruder()
    const publish = (exchange: string, key: string) => (channel: Channel) =>
      new Promise((resolve, reject) => {
        channel.on('error', reject)
        const confirming = channel as Channel & {
          publish(...args: [string, string, Buffer, object, (error: unknown) => void]): boolean
        }
        confirming.publish(exchange, key, Buffer.from('junk'), {}, (error) =>
          error ? reject(error) : resolve(undefined),
        )
      })
    const acts: Record<string, (channel: Channel) => Promise<unknown>> = {}
    const queues = [names.announcements, names.reports, names.questions, names.commands(other, 'control')]
    for (const queue of queues) {
      acts[`take from ${queue}`] = (channel) => channel.get(queue)
      acts[`consume ${queue}`] = (channel) => channel.consume(queue, () => {})
      acts[`empty ${queue}`] = (channel) => channel.purgeQueue(queue)
      acts[`delete ${queue}`] = (channel) => channel.deleteQueue(queue)
      acts[`declare ${queue}`] = (channel) =>
        channel.assertQueue(queue, { durable: true, arguments: { 'x-max-length': 1 } })
      acts[`fill ${queue}`] = publish('', queue)
      acts[`bind ${queue}`] = (channel) => channel.bindQueue(queue, names.up, 'x')
    }
    const own = names.commands(stage.instanceId, 'query')
    acts['make a queue'] = (channel) => channel.assertQueue(`${names.announcements}.mine`)
    acts['make an exclusive queue'] = (channel) => channel.assertQueue('', { exclusive: true })
    acts['delete its own queue'] = (channel) => channel.deleteQueue(own)
    acts['lead reports to its own queue'] = (channel) => channel.bindQueue(own, names.up, UP.reports)
    acts['cut reports off'] = (channel) => channel.unbindQueue(names.reports, names.up, UP.reports)
    acts['delete the exchange'] = (channel) => channel.deleteExchange(names.up)
    acts['trace everybody'] = (channel) => channel.bindQueue(own, 'amq.rabbitmq.trace', '#')
    acts['publish elsewhere'] = publish('amq.topic', 'x')
    for (const [what, act] of Object.entries(acts))
      expect(await said(connection, act), what).toMatch(/403|ACCESS.REFUSED/)
    expect(await said(connection, (channel) => channel.checkQueue(own)), 'its own queue is its own').toBe(
      'done',
    )
    // Reports are shared; junk in them is refused one by one.
    expect(await said(connection, publish(names.up, UP.reports))).toBe('done')
    await expect.poll(stage.control.refused).toBe(1)
    stage.guest.serve(guestHandlers({}))
    await stage.client.inspect({})
    process.stdout.write(`${Object.keys(acts).length} acts with a guest's account, all refused\n`)
  })

  test('has five connections and 24 channels, and messages of 2 MiB', async () => {
    const first = await intruder()
    expect(
      await said(first, async (channel) => {
        channel.publish(names.up, UP.reports, Buffer.alloc(2 * 1024 * 1024 + 1))
        await channel.checkQueue(names.commands(stage.instanceId, 'query'))
      }),
    ).toMatch(/message size|PRECONDITION/)
    const over = new Promise<string>((resolve) => first.on('error', (error) => resolve(String(error))))
    const channels = await Promise.allSettled(Array.from({ length: 40 }, () => first.createChannel()))
    expect(await over).toMatch(/NOT.ALLOWED/)
    expect(channels.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(24)
    // One after the other: of many that come at the same moment the broker may let in some more.
    let opened = 0
    const next = () =>
      intruder().then(
        () => true,
        () => false,
      )
    while (opened < 8 && (await next())) opened += 1
    expect(opened).toBeLessThanOrEqual(5)
    await expect.poll(stage.guest.connected).toBe(true)
  })

  test('is cut off when the guest is removed, and cannot come back', async () => {
    const connection = await intruder()
    const closed = new Promise((resolve) => connection.on('close', resolve))
    await stage.control.removeGuest(stage.instanceId)
    await closed
    await expect(intruder()).rejects.toThrow(/ACCESS.REFUSED/)
    await stage.control.removeGuest(stage.instanceId)
  })

  test('cannot speak to the management API', async () => {
    const { managementUrl } = testBroker()
    const { user, password } = stage.account ?? { user: '', password: '' }
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    const path = new URL('/api/users', new URL(managementUrl).origin)
    expect((await fetch(path, { headers: { authorization } })).status).toBe(401)
  })
})

test('a management API that is not there, or refuses us, says what to look at and without the password', async () => {
  const away = await openStage({ accounts: 'http://redtrove:secret@127.0.0.1:1' }).catch((error) => error)
  expect(away).toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/REDTROVE_AMQP_MANAGEMENT_URL/),
  })
  expect(String(away)).not.toContain('secret')
  const { managementUrl } = testBroker()
  const wrong = new URL(managementUrl)
  wrong.password = 'secret'
  const refused = await openStage({ accounts: wrong.href }).catch((error) => error)
  expect(refused).toMatchObject({ kind: 'unavailable', message: expect.stringMatching(/no administrator/) })
})
