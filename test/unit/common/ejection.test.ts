import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../../domain/instance/observation.js'
import {
  ejectRefusal,
  estimatedLossBytes,
  isStreaming,
  rankCandidates,
} from '../../../domain/replication/ejection.js'
import { observed } from '../../harness/observed.js'

const HISTORY = 'a'.repeat(40)
const OTHER = 'b'.repeat(40)
const replica = (changes: Partial<Observation> = {}) =>
  observed({
    role: 'replica',
    link: 'down',
    linkDownMs: 100,
    lastIoSecondsAgo: -1,
    replicationId: HISTORY,
    offset: 100,
    ...changes,
  })
const candidate = (id: string, changes: Partial<Observation> = {}) => ({ id, observation: replica(changes) })

describe('who leads after an eject', () => {
  const rank = (...candidates: Parameters<typeof rankCandidates>[0]) =>
    rankCandidates(candidates, { replicationId: HISTORY, offset: 120 }).map(({ id }) => id)

  it.each([
    [
      'history before offset',
      [candidate('far', { replicationId: OTHER, offset: 900 }), candidate('own')],
      ['own', 'far'],
    ],
    ['the greatest offset', [candidate('behind', { offset: 90 }), candidate('ahead')], ['ahead', 'behind']],
    [
      'who lost the link last',
      [candidate('early', { linkDownMs: 900 }), candidate('late', { linkDownMs: 5 })],
      ['late', 'early'],
    ],
    ['the id, when all else is equal', [candidate('b'), candidate('a')], ['a', 'b']],
    ['a set without a single write', [candidate('fresh', { offset: 0 })], ['fresh']],
    ['nobody who never synchronised', [candidate('never', { replicationId: OTHER, offset: 0 })], []],
    [
      'one that copies again and still has what it had, but nobody that copies for the first time',
      [
        candidate('again', { link: 'syncing' }),
        candidate('first', { link: 'syncing', replicationId: OTHER, offset: 0 }),
      ],
      ['again'],
    ],
    [
      'nobody who answers nothing, is loading, down or no replica',
      [
        candidate('stuck', { service: 'unresponsive' }),
        candidate('slow', { service: 'slow' }),
        candidate('loading', { service: 'loading' }),
        candidate('crashed', { service: 'crashed' }),
        candidate('leads', { role: 'source' }),
      ],
      [],
    ],
  ] as const)('%s', (_what, candidates, expected) => {
    expect(rank(...candidates)).toEqual(expected)
  })

  it('does not depend on the order in which they answered, and never prefers another history', () => {
    const some = fc.record({
      offset: fc.nat(500),
      history: fc.constantFrom(HISTORY, OTHER),
      linkDownMs: fc.nat(50),
    })
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 6 }), fc.integer(), (facts, turn) => {
        const all = facts.map(({ offset, history, linkDownMs }, i) =>
          candidate(`i${i}`, { offset: offset + 1, replicationId: history, linkDownMs }),
        )
        const shift = Math.abs(turn) % all.length
        const ranked = rank(...all)
        expect(rank(...all.slice(shift), ...all.slice(0, shift))).toEqual(ranked)
        const lineages = ranked.map((id) => all.find((one) => one.id === id)?.observation.replicationId)
        expect(lineages.lastIndexOf(HISTORY)).toBeLessThanOrEqual(
          lineages.includes(OTHER) ? lineages.indexOf(OTHER) : lineages.length,
        )
      }),
    )
  })

  it('estimates what is lost in bytes, and says so when it cannot', () => {
    const source = { replicationId: HISTORY, offset: 120 }
    const [own] = rankCandidates([candidate('a')], source)
    const [far] = rankCandidates([candidate('a', { replicationId: OTHER })], source)
    if (!own || !far) throw new Error('both rank')
    expect(estimatedLossBytes(own, source)).toBe(20)
    expect(estimatedLossBytes(own, { ...source, offset: 50 })).toBe(0)
    expect(estimatedLossBytes(far, source)).toBeNull()
  })
})

describe('whether a source may be ejected', () => {
  const facts = (changes: Partial<Parameters<typeof ejectRefusal>[0]>) =>
    ejectRefusal({
      sourceReportAgeMs: 60_000,
      source: observed(),
      replicas: [{ id: 'r', reportAgeMs: 10, observation: replica({ link: 'up', lastIoSecondsAgo: 6 }) }],
      reportAgeMsMax: 6_000,
      ...changes,
    })
  const streaming = { id: 's', reportAgeMs: 10, observation: replica({ link: 'up', lastIoSecondsAgo: 0 }) }
  const stuck = { sourceReportAgeMs: 10, source: observed({ service: 'unresponsive', role: null }) }
  const quiet = { id: 'q', reportAgeMs: 10, observation: replica() }

  it.each([
    ['silent and no replica hears it', {}, null],
    ['never reported', { sourceReportAgeMs: null, source: null }, null],
    ['reports and serves', { sourceReportAgeMs: 10 }, /healthy/],
    ['reports a crash', { sourceReportAgeMs: 10, source: observed({ service: 'crashed' }) }, null],
    ['reports that it is down', { sourceReportAgeMs: 10, source: observed({ service: 'stopped' }) }, null],
    [
      'reports that it is loading',
      { sourceReportAgeMs: 10, source: observed({ service: 'loading' }) },
      /loading/,
    ],
    ['serves nobody, and no replica hears it', { ...stuck }, null],
    ['serves nobody, without replicas that can be asked', { ...stuck, replicas: [] }, null],
    [
      'serves nobody, but its replicas stream',
      { ...stuck, replicas: [streaming, quiet, streaming] },
      /does not answer its agent, but 2 of 3 replicas still receive .* restart it/,
    ],
    ['is slow', { sourceReportAgeMs: 10, source: observed({ service: 'slow' }) }, /slow/],
    [
      'silent, but most replicas stream',
      { replicas: [streaming, streaming, quiet] },
      /2 of 3 replicas still receive/,
    ],
    ['silent, and half of the replicas stream', { replicas: [streaming, quiet] }, null],
    ['silent with silent replicas', { replicas: [{ ...streaming, reportAgeMs: 60_000 }] }, null],
  ] as const)('%s', (_what, changes, expected) => {
    const refusal = facts(changes)
    if (expected === null) expect(refusal).toBeNull()
    else expect(refusal).toMatch(expected)
  })

  it('minus one is no sign of life', () => {
    expect(isStreaming(replica({ link: 'up', lastIoSecondsAgo: -1 }))).toBe(false)
    expect(isStreaming(replica({ link: 'up', lastIoSecondsAgo: 0 }))).toBe(true)
  })
})
