import { expect, test } from 'vitest'
import { watchLeases } from '../../../taskmanager/lease-watch.js'

const open = (
  attempt: number,
  leaseBeat: number,
  state: 'pending' | 'preparing' | 'committing' = 'preparing',
) => [{ id: 'a', state, attempt, leaseBeat }]

test('a pending operation is runnable at once', () => {
  expect(watchLeases(3_000).runnable(open(0, 0, 'pending'), 0)).toHaveLength(1)
})

test('one that somebody has is runnable when its beat stood still for a whole lease, as seen from here', () => {
  const watch = watchLeases(3_000)
  expect(watch.runnable(open(1, 7), 1_000)).toHaveLength(0)
  expect(watch.runnable(open(1, 7), 3_999)).toHaveLength(0)
  expect(watch.runnable(open(1, 7), 4_000)).toHaveLength(1)
})

test('each beat, and each new owner, starts the wait anew', () => {
  const watch = watchLeases(3_000)
  watch.runnable(open(1, 7), 0)
  expect(watch.runnable(open(1, 8), 2_999)).toHaveLength(0)
  expect(watch.runnable(open(1, 8), 5_000)).toHaveLength(0)
  expect(watch.runnable(open(2, 8), 5_998)).toHaveLength(0)
  expect(watch.runnable(open(2, 8), 8_998)).toHaveLength(1)
})

test('what was gone from the list in between is watched from the start', () => {
  const watch = watchLeases(3_000)
  watch.runnable(open(1, 7), 0)
  watch.runnable([], 1_000)
  expect(watch.runnable(open(1, 7), 3_500)).toHaveLength(0)
})
