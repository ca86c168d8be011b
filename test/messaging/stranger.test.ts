import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { queueNames } from '../../wire/broker/queues.js'
import { openMessage, sealMessage } from '../../wire/sealed/envelope.js'
import { aToken, guestHandlers } from '../harness/guest-handlers.js'
import { openStage, type Stage } from '../harness/messaging-stage.js'
import { observed } from '../harness/observed.js'
import { openRawBroker, type RawBroker } from '../harness/raw-broker.js'

let stage: Stage
let stranger: RawBroker
let looks = 0
let queue = ''

/** The guest consumes only when a test lets it: until then messages lie in its queue and can be taken. */
beforeEach(async () => {
  looks = 0
  stage = await openStage()
  stranger = await openRawBroker(stage.url)
  queue = queueNames(stage.prefix).commands(stage.instanceId, 'query')
})
afterEach(async () => {
  await stranger.close()
  await stage.close()
})

function serve(others: Parameters<typeof guestHandlers>[0] = {}): void {
  const inspect = async () => {
    looks += 1
    return { observation: observed() }
  }
  stage.guest.serve(guestHandlers({ inspect, ...others }))
}

/** After this every message sent before it has been dealt with: a lane that is empty, and a look that came after. */
async function settled(): Promise<void> {
  await expect.poll(() => stranger.count(queue)).toBe(0)
  await stage.client.inspect({})
}

/** A report tells the caller the guest's incarnation, so its next command is one that the guest admits at once. */
async function introduce(): Promise<void> {
  const learned = new Promise<void>((resolve) => stage.control.onReport(() => resolve()))
  stage.guest.report(observed())
  await learned
}

describe('somebody with the broker but without the key', () => {
  test('cannot have a command carried out that was sealed before the agent was there', async () => {
    const waiting = stage.client.inspect({})
    const captured = await stranger.take(queue)
    serve()
    stranger.put(queue, captured.bytes)
    await expect.poll(() => stranger.answers.length).toBe(1)
    expect(looks).toBe(0)
    const refusal = stranger.answers[0] ?? Buffer.alloc(0)
    const opened = openMessage(refusal, 'answer', () => stage.key)
    expect(opened).toMatchObject({ payload: { incarnation: expect.any(String) } })
    // Given to the rightful caller it only makes it seal the command anew, once.
    stranger.answer(captured, refusal)
    await expect(waiting).resolves.toMatchObject({ observation: { service: 'running' } })
    expect(looks).toBe(1)
  })

  test('cannot pass an earlier answer for the answer to a new command', async () => {
    await introduce()
    const first = stage.client.inspect({}).catch(() => {})
    const old = await stranger.take(queue)
    const second = stage.client.inspect({})
    const fresh = await stranger.take(queue)
    stranger.put(queue, old.bytes)
    serve()
    await expect.poll(() => stranger.answers.length).toBe(1)
    stranger.answer(fresh, stranger.answers[0] ?? Buffer.alloc(0))
    await expect.poll(() => stage.control.refused()).toBe(1)
    stranger.put(queue, fresh.bytes, fresh)
    await expect(second).resolves.toMatchObject({ observation: { service: 'running' } })
    await first
  })

  test('gets nothing for a command that was carried out already, however often it is sent', async () => {
    await introduce()
    const waiting = expect(stage.client.inspect({})).rejects.toMatchObject({ kind: 'guest_timeout' })
    const { bytes } = await stranger.take(queue)
    serve()
    for (const copy of [bytes, bytes, bytes]) stranger.put(queue, copy)
    await expect.poll(() => stage.guest.refused()).toBe(2)
    expect(looks).toBe(1)
    // The answer to the first copy is on its way while the others are refused.
    await expect.poll(() => stranger.answers.length).toBe(1)
    await waiting
  })

  test('cannot change a bit, seal with another key, or speak for another instance', async () => {
    serve()
    const header = {
      kind: 'command',
      instanceId: stage.instanceId,
      method: 'inspect',
      messageId: randomUUID(),
      from: 'stranger',
      to: null,
      seq: 1,
    } as const
    const authentic = sealMessage(stage.key, header, {})
    const changed = Buffer.from(authentic)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    const bad = [
      changed,
      sealMessage(randomBytes(32), header, {}),
      sealMessage(stage.key, { ...header, instanceId: randomUUID() }, {}),
      sealMessage(stage.key, { ...header, kind: 'answer' }, {}),
      Buffer.from('{"method":"inspect"}'),
      Buffer.alloc(0),
      randomBytes(2_000_000),
    ]
    for (const bytes of bad) stranger.put(queue, bytes)
    await settled()
    expect(stage.guest.refused()).toBe(bad.length)
    expect(looks).toBe(1)
    expect(stranger.answers).toEqual([])
  })

  test('cannot send a control step by the lane of looks', async () => {
    await introduce()
    const token = aToken()
    const waiting = expect(stage.client.severLink({ token })).rejects.toMatchObject({ kind: 'guest_timeout' })
    const { bytes } = await stranger.take(queueNames(stage.prefix).commands(stage.instanceId, 'control'))
    let severed = 0
    serve({
      severLink: async () => {
        severed += 1
        return { observation: observed() }
      },
    })
    stranger.put(queue, bytes)
    await settled()
    expect(stage.guest.refused()).toBe(1)
    expect(severed).toBe(0)
    await waiting
  })

  test('cannot make a guest publish into a queue', async () => {
    const target = `${stage.prefix}.target`
    await stranger.declare(target)
    const waiting = stage.client.inspect({})
    const { bytes } = await stranger.take(queue)
    stranger.put(queue, bytes, { replyTo: target })
    serve()
    await settled()
    expect(await stranger.count(target)).toBe(0)
    await expect(waiting).rejects.toMatchObject({ kind: 'guest_timeout' })
  })

  test('cannot end a call with a forged answer', async () => {
    const waiting = stage.client.inspect({})
    const command = await stranger.take(queue)
    stranger.answer(command, Buffer.from('{"ok":true}'))
    const sealed = sealMessage(randomBytes(32), { ...headerOf(command.bytes), kind: 'answer' }, { ok: true })
    stranger.answer(command, sealed)
    await expect.poll(() => stage.control.refused()).toBe(2)
    stranger.put(queue, command.bytes, command)
    serve()
    await expect(waiting).resolves.toMatchObject({ observation: { service: 'running' } })
  })

  test('cannot report for an instance', async () => {
    const reports: unknown[] = []
    stage.control.onReport((report) => reports.push(report))
    const { reports: name } = queueNames(stage.prefix)
    const header = { ...headerOf(), kind: 'report', method: 'observed' } as const
    stranger.put(name, sealMessage(randomBytes(32), header, { bootId: 'b', seq: 1, observation: observed() }))
    stranger.put(name, Buffer.from(JSON.stringify({ instanceId: stage.instanceId, bootId: 'b', seq: 1 })))
    stage.guest.report(observed({ keys: 7 }))
    await expect.poll(() => reports).toMatchObject([{ observation: { keys: 7 } }])
    expect(stage.control.refused()).toBe(2)
  })
})

/** The clear part of a captured message, or a plausible one. */
function headerOf(bytes?: Buffer) {
  if (bytes) return JSON.parse(bytes.subarray(3, 3 + bytes.readUInt16BE(1)).toString('utf8'))
  const messageId = randomUUID()
  return { instanceId: stage.instanceId, messageId, from: 'stranger', to: null, seq: 1 }
}
