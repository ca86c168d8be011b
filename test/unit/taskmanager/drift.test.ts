import { expect, test } from 'vitest'
import type { Observation } from '../../../domain/instance/observation.js'
import { type Desired, driftOf } from '../../../domain/replication/drift.js'
import type { InstanceFacts } from '../../../store/store.js'
import { watchDrift } from '../../../taskmanager/watchers/drift-watch.js'
import { observed } from '../../harness/observed.js'

const here = { host: '127.83.0.2', port: 6379 }
const elsewhere = { host: '127.83.0.9', port: 6379 }
const desired = (role: Desired['role']): Desired => ({
  id: 'a',
  name: 'cache',
  setId: 's',
  role,
  source: role === 'replica' ? here : null,
})
const told = { setId: 's', epoch: 1, attempt: 1, role: 'source' as const, source: null }

test.each<[string, Desired['role'], Partial<Observation>, string | null]>([
  ['a source that leads', 'source', {}, null],
  [
    'a source that follows',
    'source',
    { role: 'replica', following: here },
    'follows 127.83.0.2:6379 but should be the source',
  ],
  ['a source that refuses writes', 'source', { fenced: true }, 'refuses writes'],
  ['a replica that follows', 'replica', { role: 'replica', following: here, fenced: true }, null],
  [
    'a replica of another',
    'replica',
    { role: 'replica', following: elsewhere },
    'instead of 127.83.0.2:6379',
  ],
  ['a replica that follows nobody', 'replica', { role: 'source' }, 'should follow 127.83.0.2:6379'],
  ['an ejected one that is fenced', 'ejected', { fenced: true }, null],
  ['an ejected one that takes writes', 'ejected', { fenced: false }, 'takes writes'],
  [
    'an ejected one that follows',
    'ejected',
    { role: 'replica', fenced: true, following: here },
    'was ejected but follows',
  ],
  ['one of another set', 'source', { accepted: { ...told, setId: 'other' } }, 'member of set other'],
  ['one that does not run', 'source', { service: 'stopped', role: null, fenced: null }, null],
  ['one that answers nobody', 'source', { service: 'unresponsive', role: null, fenced: null }, null],
  ['one that does not say what it is', 'source', { role: null, fenced: null }, null],
  ['a replica that does not say what it is', 'replica', { role: null, following: null }, null],
  ['a replica whose link is down', 'replica', { role: 'replica', following: here, link: 'down' }, null],
])('%s', (_what, role, seen, sentence) => {
  const drift = driftOf(desired(role), observed(seen))
  if (sentence === null) expect(drift).toEqual([])
  else expect(drift.join()).toContain(sentence)
})

function facts(
  seq: number,
  seen: Partial<Observation>,
  more: Partial<InstanceFacts['instance']> = {},
  operation = false,
  ageMs = 500,
) {
  const instance = { id: 'a', setId: 's', role: 'source', endpoint: here, fault: null, ...more }
  const stored = { observation: observed(seen), bootId: 'b', seq, receivedAtMs: 1_000, ageMs }
  return {
    instance,
    stored,
    operation: operation ? { id: 'o' } : null,
    sourceId: 'a',
    sourceEndpoint: here,
    sourceStored: null,
    replicaIds: [],
  } as unknown as InstanceFacts // what the watch reads
}

test('drift counts when two reports in a row show it, and the same report twice is one', () => {
  const watch = watchDrift(6_000)
  expect(watch.wanted([facts(1, { fenced: true })], 0)).toEqual([])
  expect(watch.wanted([facts(1, { fenced: true })], 1_000)).toEqual([])
  expect(watch.wanted([facts(2, { fenced: true })], 2_000)).toMatchObject([{ setId: 's' }])
})

test('drift that was gone in between starts anew', () => {
  const watch = watchDrift(6_000)
  watch.wanted([facts(1, { fenced: true })], 0)
  watch.wanted([facts(2, {})], 1_000)
  expect(watch.wanted([facts(3, { fenced: true })], 2_000)).toEqual([])
})

test('two reports with a change between them are one each', () => {
  const watch = watchDrift(6_000)
  const before = { ...told, epoch: 7 }
  const after = { ...told, epoch: 8 }
  watch.wanted([facts(1, { fenced: true, accepted: before })], 0)
  expect(watch.wanted([facts(2, { fenced: true, accepted: after })], 1_000)).toEqual([])
  expect(watch.wanted([facts(3, { fenced: true, accepted: after })], 2_000)).toMatchObject([{ setId: 's' }])
})

test('who did not report since the last look is still remembered', () => {
  const watch = watchDrift(6_000)
  watch.wanted([facts(1, { fenced: true })], 0)
  expect(watch.wanted([], 1_000)).toEqual([])
  expect(watch.wanted([facts(2, { fenced: true })], 2_000)).toMatchObject([{ setId: 's' }])
})

test('the busy, the silent and those in ERROR are left alone', () => {
  const watch = watchDrift(6_000)
  const fault = { message: 'x', createdAtMs: 0, details: null }
  for (const seq of [1, 2, 3]) {
    expect(watch.wanted([facts(seq, { fenced: true }, {}, true)], 0)).toEqual([])
    expect(watch.wanted([facts(seq, { fenced: true }, {}, false, 60_000)], 0)).toEqual([])
    expect(watch.wanted([facts(seq, { fenced: true }, {}, false, -60_000)], 0)).toEqual([])
    expect(watch.wanted([facts(seq, { fenced: true }, { fault })], 0)).toEqual([])
  }
})

test('a set is repaired again only after a pause, which grows while it does not help', () => {
  const watch = watchDrift(6_000)
  const opened: number[] = []
  for (let second = 0; second < 60; second += 1)
    if (watch.wanted([facts(second, { fenced: true })], second * 1_000).length > 0) opened.push(second)
  expect(opened).toEqual([1, 6, 16, 36])
})
