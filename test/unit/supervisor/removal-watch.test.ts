import { expect, test } from 'vitest'
import type { SwarmRecord } from '../../../host/swarm/records/guest-records.js'
import { watchRemovals } from '../../../host/swarm/records/removal-watch.js'

const record = (desired: SwarmRecord['desired'], version = 1) =>
  ({ facts: { instanceId: 'a' }, desired, version }) as SwarmRecord // what the watch reads

test('a removal is left when it stood still for a minute of the clock of who watches', () => {
  const { left } = watchRemovals()
  expect([...left([record('removed')], 0)]).toEqual([])
  expect([...left([record('removed')], 59_000)]).toEqual([])
  expect([...left([record('removed')], 60_000)]).toEqual(['a'])
})

test('a removal that goes on, and a guest that runs, are not', () => {
  const { left } = watchRemovals()
  left([record('removed')], 0)
  expect([...left([record('removed', 2)], 61_000)]).toEqual([])
  expect([...left([record('running', 3)], 200_000)]).toEqual([])
  expect([...left([record('removed', 4)], 300_000)]).toEqual([])
})
