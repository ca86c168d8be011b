import { randomUUID } from 'node:crypto'
import { type ChannelModel, connect } from 'amqplib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { queueNames } from '../../wire/broker/queues.js'
import { guestHandlers } from '../harness/guest-handlers.js'
import { openStage, type Stage } from '../harness/messaging-stage.js'
import { observed } from '../harness/observed.js'

let stage: Stage
let stranger: ChannelModel
let names: ReturnType<typeof queueNames>

beforeEach(async () => {
  stage = await openStage()
  stranger = await connect(stage.url)
  names = queueNames(stage.prefix)
})
afterEach(async () => {
  await stranger.close().catch(() => {})
  await stage.close()
})

/** Deletes a queue and declares it with arguments that are not ours. */
async function redeclare(queue: string): Promise<void> {
  const channel = await stranger.createChannel()
  await channel.deleteQueue(queue)
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-max-length': 1 } })
  await channel.close()
}

test('queues that somebody declared with other arguments are replaced, and all goes on', async () => {
  const [rings, reports]: [string[], number[]] = [[], []]
  stage.control.onAnnounced((id) => rings.push(id))
  stage.control.onReport(({ observation }) => reports.push(observation.keys ?? -1))
  stage.guest.serve(guestHandlers({}))
  for (const queue of [names.announcements, names.reports, names.questions]) await redeclare(queue)
  await expect.poll(stage.control.connected).toBe(false)
  await stage.control.waitConnected(20_000)
  const operationId = randomUUID()
  await stage.control.announce(operationId)
  await expect.poll(() => rings).toContain(operationId)
  await expect
    .poll(() => {
      stage.guest.report(observed({ keys: 3 }))
      return reports
    })
    .toContain(3)
  await expect(stage.client.inspect({})).resolves.toMatchObject({ observation: { service: 'running' } })
})

test("a guest's queue with other arguments is replaced, and nobody else's call is cut off", async () => {
  let release: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const began: string[] = []
  stage.guest.serve(
    guestHandlers({
      inspect: async () => {
        began.push('inspect')
        await gate
        return { observation: observed() }
      },
    }),
  )
  const under = stage.client.inspect({})
  await expect.poll(() => began).toEqual(['inspect'])
  const other = randomUUID()
  await stage.control.declareGuest(other)
  await redeclare(names.commands(other, 'control'))
  await stage.control.declareGuest(other)
  release()
  await expect(under).resolves.toMatchObject({ observation: { service: 'running' } })
})

test("a guest's queue that somebody else holds is that instance's fault alone", async () => {
  stage.guest.serve(guestHandlers({}))
  const other = randomUUID()
  const held = names.commands(other, 'query')
  const channel = await stranger.createChannel()
  await channel.assertQueue(held, { exclusive: true })
  const calls = Promise.all(Array.from({ length: 20 }, () => stage.client.inspect({})))
  await expect(stage.control.declareGuest(other)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(held),
  })
  await expect(calls).resolves.toHaveLength(20)
  expect(stage.control.connected()).toBe(true)
  await stage.client.inspect({})
})
