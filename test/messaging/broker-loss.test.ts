import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLogger } from '../../common/log.js'
import { type PrivateBroker, startPrivateBroker } from '../../supervisor/broker/private-broker.js'
import { queueNames } from '../../wire/broker/queues.js'
import { openControlMessaging } from '../../wire/control/messaging.js'
import { aToken, guestHandlers } from '../harness/guest-handlers.js'
import { openStage } from '../harness/messaging-stage.js'
import { observed } from '../harness/observed.js'
import { openRawBroker } from '../harness/raw-broker.js'

const log = createLogger('test', 'silent')
const dir = join(mkdtempSync(join(tmpdir(), 'redtrove-')), 'broker')
const BACK_MS = 60_000
let broker: PrivateBroker

beforeAll(async () => {
  broker = await startPrivateBroker({ dir, log })
})
afterAll(async () => {
  await broker.stop()
  rmSync(join(dir, '..'), { recursive: true, force: true })
})

const token = aToken()

describe('when the broker is killed and comes back', () => {
  test('calls fail at once, rings and reports come through again, the queues are still there, and nothing runs twice', async () => {
    const stage = await openStage({ url: broker.url })
    const began: string[] = []
    const rings: string[] = []
    const reports: number[] = []
    let release: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    stage.control.onAnnounced((id) => rings.push(id))
    stage.control.onReport(({ observation }) => reports.push(observation.keys ?? -1))
    stage.guest.serve(
      guestHandlers({
        severLink: async () => {
          began.push('sever')
          await gate
          return { observation: observed() }
        },
        resumeWrites: async () => {
          began.push('resume')
          return {}
        },
      }),
    )
    const under = stage.client.severLink({ token })
    const cutOff = expect(under).rejects.toMatchObject({ kind: 'unavailable' })
    await expect.poll(() => began).toEqual(['sever'])

    const other = randomUUID()
    await stage.control.declareGuest(other)

    process.kill(broker.pid, 'SIGKILL')
    await broker.exited
    await cutOff
    await expect.poll(stage.control.connected).toBe(false)
    await expect(stage.client.inspect({})).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(stage.control.announce(token.operationId)).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(stage.control.declareGuest(stage.instanceId)).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(stage.guest.ask.assignmentOf({})).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(stage.control.waitConnected(50)).rejects.toMatchObject({ kind: 'unavailable' })
    stage.guest.report(observed({ keys: 1 }))

    const back: string[] = []
    stage.guest.onConnected(() => back.push('guest'))
    broker = await startPrivateBroker({ dir, log })
    await stage.control.waitConnected(BACK_MS)
    await expect.poll(() => back, { timeout: BACK_MS }).toEqual(['guest'])

    const look = await openRawBroker(broker.url)
    // Nobody declares this one again.
    expect(await look.count(queueNames(stage.prefix).commands(other, 'control'))).toBe(0)
    await look.close()
    // The step under way when the broker died came again with its queue; it is still the one that runs.
    const next = stage.client.resumeWrites({ token })
    await stage.client.inspect({})
    expect(began).toEqual(['sever'])
    release()
    await next
    expect(began).toEqual(['sever', 'resume'])
    await stage.control.announce(token.operationId)
    stage.guest.report(observed({ keys: 2 }))
    await expect.poll(() => [rings, reports]).toEqual([[token.operationId], [2]])
    await stage.close()
  })
})

describe('a guest whose queues are gone', () => {
  test('comes back when the control plane has made them again', async () => {
    const stage = await openStage({ url: broker.url })
    stage.guest.serve(guestHandlers({}))
    await stage.client.inspect({})
    const back: string[] = []
    stage.guest.onConnected(() => back.push('guest'))
    await stage.control.removeGuest(stage.instanceId)
    await expect.poll(stage.guest.connected).toBe(false)
    await stage.control.declareGuest(stage.instanceId)
    await expect.poll(() => back.length, { timeout: BACK_MS }).toBe(2)
    await expect(stage.client.inspect({})).resolves.toMatchObject({ observation: { service: 'running' } })
    await stage.close()
  })
})

describe('a broker that is not there', () => {
  test('does not keep anything from opening or closing', async () => {
    const url = 'amqp://somebody:secret@127.0.0.1:1'
    const control = openControlMessaging({ url, log, keyOf: () => Buffer.alloc(32) })
    expect(control.connected()).toBe(false)
    const failure = await control.waitConnected(300).catch((error) => error)
    expect(failure).toMatchObject({ kind: 'unavailable' })
    expect(String(failure)).not.toContain('secret')
    await control.close()
    await control.close()
  })

  test('is named as a bad setting when its address is none', () => {
    const open = () => openControlMessaging({ url: 'amqp://a:secret@', log, keyOf: () => Buffer.alloc(32) })
    expect(open).toThrow(
      expect.objectContaining({ kind: 'bad_setting', message: expect.not.stringMatching(/secret/) }),
    )
  })
})
