import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Clock } from '../../../common/clock.js'
import { createLogger } from '../../../common/log.js'
import type { InstanceFacts } from '../../../store/store.js'
import { startGuestAccess } from '../../../taskmanager/guests/guest-access.js'

/** A minute of looks over `silent`, and what was made and removed in it. */
async function aMinuteOf({
  silent,
  living,
  connected = true,
}: {
  silent: string[]
  living?: string[]
  connected?: boolean
}) {
  const [made, removed]: [string[], string[]] = [[], []]
  let nowMs = 100_000
  let over: () => void = () => {}
  const minute = new Promise<void>((resolve) => {
    over = resolve
  })
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms
      await new Promise(setImmediate)
      if (nowMs >= 160_000) over()
    },
  }
  const stop = startGuestAccess({
    store: {
      instances: {
        silentFor: async () => silent,
        // Only whether there is one is looked at.
        findMany: async (ids) =>
          ids.filter((id) => (living ?? silent).includes(id)).map(() => ({}) as InstanceFacts),
      },
    },
    messaging: {
      connected: () => connected,
      declareGuest: async (id) => {
        made.push(id)
        return null
      },
      removeGuest: async (id) => void removed.push(id),
    },
    reportAgeMsMax: 6_000,
    clock,
    log: createLogger('test', 'silent'),
  })
  await minute
  await stop()
  return { made, removed }
}

const [one, other] = [randomUUID(), randomUUID()]

test('silent guests get their queues again, each at once and then each half minute', async () => {
  const { made, removed } = await aMinuteOf({ silent: [one, other] })
  expect(made).toEqual([one, other, one, other])
  expect(removed).toEqual([])
})

test('nothing is tried while the broker is away', async () => {
  expect(await aMinuteOf({ silent: [one], connected: false })).toEqual({ made: [], removed: [] })
})

test('what was deleted meanwhile keeps nothing', async () => {
  expect(await aMinuteOf({ silent: [one], living: [] })).toEqual({ made: [one, one], removed: [one, one] })
})
