import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { RedtroveError } from '../../common/errors.js'
import { aToken, guestHandlers } from '../harness/guest-handlers.js'
import { openStage, type Stage } from '../harness/messaging-stage.js'
import { observed } from '../harness/observed.js'

let stage: Stage
afterEach(() => stage.close())

const token = aToken()

describe('a call to a guest', () => {
  test('is answered with what the handler saw', async () => {
    stage = await openStage()
    stage.guest.serve(guestHandlers({ inspect: async () => ({ observation: observed({ keys: 42 }) }) }))
    const { observation } = await stage.client.inspect({})
    expect(observation.keys).toBe(42)
  })

  test('works whichever side came first', async () => {
    stage = await openStage()
    const waiting = stage.client.inspect({})
    stage.guest.serve(guestHandlers({}))
    await expect(waiting).resolves.toEqual({ observation: observed() })
  })

  test('brings a failure back with its kind and sentence', async () => {
    stage = await openStage()
    stage.guest.serve(
      guestHandlers({
        resumeWrites: async () => {
          throw new RedtroveError('stale_epoch', 'Epoch 7 has been seen here; this is from epoch 6.')
        },
        severLink: async () => {
          throw new Error('secret thing in a stack')
        },
      }),
    )
    await expect(stage.client.resumeWrites({ token })).rejects.toMatchObject({
      kind: 'stale_epoch',
      message: 'Epoch 7 has been seen here; this is from epoch 6.',
    })
    const failure = await stage.client.severLink({ token }).catch((error) => error)
    expect(failure.kind).toBe('guest_failed')
    expect(failure.message).not.toContain('secret')
  })

  test('with bad params is refused by the guest, with a bad result by the caller', async () => {
    stage = await openStage()
    const bad = { observation: { ...observed(), keys: -1 } }
    stage.guest.serve(guestHandlers({ inspect: async () => bad }))
    await expect(stage.client.pauseWrites({ token, pauseMs: 99_999 })).rejects.toMatchObject({
      kind: 'bad_request',
      message: expect.stringContaining('pauseMs'),
    })
    await expect(stage.client.inspect({})).rejects.toMatchObject({ kind: 'guest_failed' })
  })

  test('control steps run one at a time and in order, looks run beside them', async () => {
    stage = await openStage()
    const seen: string[] = []
    const gate = new EventEmitter()
    stage.guest.serve(
      guestHandlers({
        pauseWrites: async ({ pauseMs }) => {
          seen.push(`begin ${pauseMs}`)
          if (pauseMs === 1) await once(gate, 'open')
          seen.push(`end ${pauseMs}`)
          return { replicationId: 'x', offset: pauseMs }
        },
      }),
    )
    const first = stage.client.pauseWrites({ token, pauseMs: 1 })
    await expect.poll(() => seen).toEqual(['begin 1'])
    const second = stage.client.pauseWrites({ token, pauseMs: 2 })
    for (let look = 0; look < 10; look += 1) await stage.client.inspect({})
    expect(seen).toEqual(['begin 1'])
    gate.emit('open')
    expect((await Promise.all([first, second])).map(({ offset }) => offset)).toEqual([1, 2])
    expect(seen).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2'])
  })

  test('to an instance without queues fails at once', async () => {
    stage = await openStage()
    await expect(stage.control.guest(randomUUID()).inspect({})).rejects.toMatchObject({
      kind: 'guest_timeout',
      message: expect.stringContaining('has no queue'),
    })
  })

  test('to an agent that is away fails at its deadline, and is not carried out when the agent comes later', async () => {
    stage = await openStage()
    await stage.guest.close()
    const failure = stage.client.inspect({})
    await expect(failure).rejects.toMatchObject({ kind: 'guest_timeout' })
    let looks = 0
    const back = await stage.openGuest()
    back.serve(
      guestHandlers({
        inspect: async () => {
          looks += 1
          return { observation: observed() }
        },
      }),
    )
    await stage.client.inspect({})
    expect(looks).toBe(1)
  })

  test('can be called off by the caller', async () => {
    stage = await openStage()
    stage.guest.serve(guestHandlers({ inspect: () => new Promise(() => {}) }))
    const off = new AbortController()
    const waiting = stage.client.inspect({}, { signal: off.signal })
    off.abort(new Error('not needed any more'))
    await expect(waiting).rejects.toThrow('not needed any more')
  })

  test('goes on after the agent was restarted, and to several callers', async () => {
    stage = await openStage()
    stage.guest.serve(guestHandlers({}))
    await stage.client.inspect({})
    await stage.guest.close()
    const again = await stage.openGuest()
    again.serve(guestHandlers({}))
    await stage.client.inspect({})
    const other = await stage.openControl()
    await other.guest(stage.instanceId).inspect({})
  })

  test('after removal there is no queue left', async () => {
    stage = await openStage()
    await stage.guest.close()
    await stage.control.removeGuest(stage.instanceId)
    await stage.control.removeGuest(stage.instanceId)
    await expect(stage.client.inspect({})).rejects.toThrow(/has no queue/)
  })
})
