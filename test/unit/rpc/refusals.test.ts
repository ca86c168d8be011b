import { expect, test } from 'vitest'
import type { Logger } from '../../../common/log.js'
import { openRefusals } from '../../../wire/sealed/refusals.js'

test('a flood of refused messages is a line each ten seconds and reason, and all of them are counted', () => {
  let nowMs = 0
  const lines: unknown[] = []
  const log = { warn: (facts: unknown) => lines.push(facts) } as unknown as Logger
  const clock = { now: () => nowMs, monotonicMs: () => nowMs, sleep: async () => {} }
  const refusals = openRefusals(log, clock)
  for (nowMs = 0; nowMs < 20_000; nowMs += 1) refusals.refuse('a report is foreign')
  refusals.refuse('an announcement makes no sense')
  expect(refusals.count()).toBe(20_001)
  expect(lines).toEqual([
    { why: 'a report is foreign', refused: 1 },
    { why: 'a report is foreign', refused: 10_001 },
    { why: 'an announcement makes no sense', refused: 20_001 },
  ])
})
