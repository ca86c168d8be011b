import { expect, test } from 'vitest'
import { createLogger } from '../../../common/log.js'
import { startForgetting } from '../../../taskmanager/watchers/forget-history.js'
import { VirtualClock } from '../../workflows/virtual-clock.js'

test('old history is forgotten at once and every ten minutes, also after a failure', async () => {
  const clock = new VirtualClock()
  const ages: number[] = []
  const forget = async (ageMs: number) => {
    ages.push(ageMs)
    if (ages.length === 1) throw new Error('away')
    return { operations: 1, instances: 0, sets: 0, reports: 0, boots: 0 }
  }
  const log = createLogger('test', 'silent')
  const stop = startForgetting({ store: { history: { forget } }, historyDays: 30, clock, log })
  await clock.drive(clock.sleep(1_300_000))
  await clock.drive(stop())
  expect(ages).toEqual([30, 30, 30].map((days) => days * 86_400_000))
})
