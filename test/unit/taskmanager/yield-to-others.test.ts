import { expect, it } from 'vitest'
import { RedtroveError } from '../../../common/errors.js'
import { createLogger } from '../../../common/log.js'
import { yieldToOthers } from '../../../taskmanager/engine/yield-to-others.js'
import { VirtualClock } from '../../workflows/virtual-clock.js'

const away = new RedtroveError('guest_failed', 'Docker could not list its images: connect ECONNREFUSED')

it.each<[string, () => Promise<never[]>, number]>([
  ['answers: at once', async () => [], 0],
  ['is away: some seconds', () => Promise.reject(away), 3_000],
  ['hangs: two seconds more', () => new Promise(() => {}), 5_000],
])('an engine that %s', async (_what, offers, waitedMs) => {
  const clock = new VirtualClock()
  const sinceMs = clock.monotonicMs()
  const hesitate = yieldToOthers({ offers }, clock, createLogger('test', 'silent'))
  await clock.drive(hesitate(new AbortController().signal))
  expect(clock.monotonicMs() - sinceMs).toBe(waitedMs)
})
