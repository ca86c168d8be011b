import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { watchLeases } from '../../../taskmanager/engine/lease-watch.js'
import { isSurelyGone, ownerName } from '../../../taskmanager/engine/owner.js'

const open = (
  attempt: number,
  leaseBeat: number,
  state: 'pending' | 'preparing' | 'committing' = 'preparing',
) => [{ id: 'a', state, attempt, leaseBeat, leaseOwner: 'somebody' }]

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

test('an owner that is known to be dead is not waited for', () => {
  expect(watchLeases(3_000, (owner) => owner === 'somebody').runnable(open(1, 7), 0)).toHaveLength(1)
})

test('only a dead process of this very place counts as gone', () => {
  expect(isSurelyGone(ownerName()), 'this process lives').toBe(false)
  const [place] = ownerName().split('/')
  const { pid } = spawnSync(process.execPath, ['--version'])
  expect(isSurelyGone(`${place}/${pid}/x`), 'one that has ended').toBe(true)
  expect(isSurelyGone(`elsewhere/${pid}/x`), 'the same number elsewhere').toBe(false)
  for (const odd of [null, '', 'x', `${place}/`, `${place}/0/x`, `${place}/-1/x`, `unknown/${pid}/x`])
    expect(isSurelyGone(odd), String(odd)).toBe(false)
})
