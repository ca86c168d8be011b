import { expect, test } from 'vitest'
import { furthest, hasAllOf, PING_BYTES } from '../../../taskmanager/workflows/replication/eject/furthest.js'
import { observed } from '../../harness/observed.js'

const source = observed({ replicationId: 'history-1', offset: 1_000 })
const replica = (offset: number, more = {}) =>
  observed({ replicationId: 'history-1', role: 'replica', offset, ...more })

test.each([
  ['as far as the source', replica(1_000), true],
  ['behind by one ping, which is no write', replica(1_000 - PING_BYTES), true],
  ['behind by anything else', replica(999), false],
  ['behind by two pings, which may be a write', replica(1_000 - 2 * PING_BYTES), false],
  ['of another history, however far', replica(5_000, { replicationId: 'other' }), false],
  [
    'of the history it had before it led',
    replica(1_000, { replicationId: 'new', replicationId2: 'history-1' }),
    true,
  ],
  ['of unknown place', replica(0, { offset: null }), false],
])('a candidate %s', (_what, candidate, all) => {
  expect(hasAllOf(candidate, source)).toBe(all)
})

test('who holds most of the history leads; of equals the first; nobody else', () => {
  const samples = [
    { id: 'loading', observation: replica(9_000, { service: 'loading' }) },
    { id: 'unresponsive', observation: replica(9_000, { service: 'unresponsive' }) },
    { id: 'stranger', observation: replica(9_000, { replicationId: 'other' }) },
    { id: 'first', observation: replica(500) },
    { id: 'second', observation: replica(500) },
    { id: 'behind', observation: replica(400) },
  ]
  expect(furthest(samples, 'history-1')?.id).toBe('first')
  expect(furthest(samples.slice(0, 3), 'history-1')).toBeNull()
  // What it had is dropped only when it loads the copy.
  const copiesAgain = { id: 'syncing', observation: replica(600, { link: 'syncing' }) }
  expect(furthest([...samples, copiesAgain], 'history-1')?.id).toBe('syncing')
})
