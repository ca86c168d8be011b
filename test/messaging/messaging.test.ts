import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { RedtroveError } from '../../common/errors.js'
import { createLogger } from '../../common/log.js'
import { waitUntil } from '../../common/wait-until.js'
import type { guestAgent } from '../../wire/agent/commands.js'
import { openGuestMessaging } from '../../wire/agent/messaging.js'
import type { Handlers } from '../../wire/contract.js'
import { openControlMessaging } from '../../wire/control/messaging.js'
import { testBroker } from '../harness/broker.js'
import { observed } from '../harness/observed.js'

const log = createLogger('test', 'silent')
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const NOTHING = observed()
const token = { operationId: randomUUID(), step: 'x', epoch: 1, attempt: 1 }

async function pair(handlers: Partial<Handlers<typeof guestAgent>> = {}) {
  const { url, prefix } = testBroker()
  const keys = new Map<string, Buffer>()
  const keyOf = (id: string) => keys.get(id) ?? Buffer.alloc(32)
  const instanceId = randomUUID()
  keys.set(instanceId, randomBytes(32))
  const control = openControlMessaging({ url, keyOf, log, prefix })
  const guest = openGuestMessaging({
    url,
    instanceId,
    key: keyOf(instanceId),
    bootId: 'boot',
    log,
    prefix,
  })
  // A test names the methods it calls.
  guest.serve(handlers as Handlers<typeof guestAgent>)
  closers.push(
    () => control.close(),
    () => guest.close(),
  )
  await control.waitConnected(10_000)
  await control.declareGuest(instanceId)
  await waitUntil('the guest is connected', () => guest.connected(), Boolean, { timeoutMs: 10_000 })
  return { control, guest, instanceId, keys, prefix }
}

describe('messaging', () => {
  it('carries a call and its answer', async () => {
    const { control, instanceId } = await pair({ inspect: async () => ({ observation: NOTHING }) })
    expect(await control.guest(instanceId).inspect({})).toEqual({ observation: NOTHING })
  })

  it('keeps the kind and the sentence of a failure', async () => {
    const { control, instanceId } = await pair({
      resumeWrites: async () => {
        throw new RedtroveError('stale_epoch', 'Epoch 1 is over.')
      },
    })
    await expect(control.guest(instanceId).resumeWrites({ token })).rejects.toMatchObject({
      kind: 'stale_epoch',
      message: 'Epoch 1 is over.',
    })
  })

  it('answers a look while a long control call is under way, and runs control calls one by one', async () => {
    let running = 0
    let most = 0
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const { control, instanceId } = await pair({
      inspect: async () => ({ observation: NOTHING }),
      severLink: async () => {
        running += 1
        most = Math.max(most, running)
        await gate
        running -= 1
        return { observation: NOTHING }
      },
    })
    const calls = [
      control.guest(instanceId).severLink({ token }),
      control.guest(instanceId).severLink({ token }),
    ]
    await waitUntil(
      'a control call runs',
      () => running,
      (n) => n === 1,
      { timeoutMs: 5_000 },
    )
    await control.guest(instanceId).inspect({})
    release()
    await Promise.all(calls)
    expect(most).toBe(1)
  })

  it('fails within a bound when nobody is there, and at once when nobody ever was', async () => {
    const { control } = await pair()
    await expect(control.guest(randomUUID()).inspect({})).rejects.toMatchObject({ kind: 'guest_timeout' })
  })

  it('brings reports and rings up, and questions with their replies', async () => {
    const { control, guest, instanceId } = await pair()
    const reports: unknown[] = []
    const rings: string[] = []
    const asked: string[] = []
    const askedBy = (id: string) => {
      asked.push(id)
      return null
    }
    control.onReport((report) => reports.push(report))
    control.onAnnounced((id) => rings.push(id))
    control.onQuestion((asking) => ({
      assignmentOf: async () => ({ assignment: askedBy(asking) }),
    }))
    guest.report(NOTHING)
    const operationId = randomUUID()
    await control.announce(operationId)
    await waitUntil(
      'both arrived',
      () => reports.length + rings.length,
      (n) => n === 2,
      { timeoutMs: 5_000 },
    )
    expect(reports[0]).toMatchObject({ instanceId, bootId: 'boot', observation: NOTHING })
    expect(rings).toEqual([operationId])
    expect(await guest.ask.assignmentOf({})).toEqual({ assignment: null })
    expect(asked).toEqual([instanceId])
  })

  it('refuses what another key sealed', async () => {
    let called = 0
    const { control, keys, instanceId } = await pair({
      inspect: async () => {
        called += 1
        return { observation: NOTHING }
      },
    })
    keys.set(instanceId, randomBytes(32))
    await expect(control.guest(instanceId).inspect({})).rejects.toMatchObject({ kind: 'guest_timeout' })
    expect(called).toBe(0)
  })
})
