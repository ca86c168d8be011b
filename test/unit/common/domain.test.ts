import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deriveOperatingStatus, deriveStatus, type StatusFacts } from '../../../domain/instance/status.js'
import type { OPERATION_KINDS } from '../../../domain/operation/kinds/index.js'
import { OPERATION_MOVES, OPERATION_STATES } from '../../../domain/operation/operation.js'
import { detached, ejected, members, promoted, type Topology } from '../../../domain/replication/topology.js'

const SET: Topology = { source: 's', replicas: ['a', 'b', 'c'] }

describe('a replication set', () => {
  it('keeps every member through any promotes, and has one source', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2)), (picks) => {
        let set = SET
        for (const pick of picks) set = promoted(set, set.replicas[pick] ?? '')
        expect([...members(set)].sort()).toEqual(['a', 'b', 'c', 's'])
        expect(set.replicas).not.toContain(set.source)
      }),
    )
  })

  it('loses exactly who leaves', () => {
    expect(detached(SET, 'b')).toEqual({ source: 's', replicas: ['a', 'c'] })
    expect(ejected(SET, 'b')).toEqual({ source: 'b', replicas: ['a', 'c'] })
  })

  it.each([promoted, detached, ejected])('refuses who is no replica', (change) => {
    for (const id of ['s', 'nobody']) expect(() => change(SET, id)).toThrow(/not a replica/)
  })
})

describe('the public words', () => {
  const facts = (changes: Partial<StatusFacts>): StatusFacts => ({
    role: 'source',
    operation: null,
    hasFault: false,
    reportAgeMs: 10,
    service: 'running',
    agentFault: false,
    fenced: false,
    ...changes,
  })
  const busy = (kind: (typeof OPERATION_KINDS)[number], isSubject = true) =>
    facts({ operation: { kind, isSubject } })

  it.each([
    [facts({}), 'ACTIVE', 'HEALTHY'],
    [facts({ hasFault: true }), 'ERROR', 'ERROR'],
    [facts({ reportAgeMs: 7_000 }), 'ACTIVE', 'ERROR'],
    [facts({ reportAgeMs: null, service: null }), 'ACTIVE', 'ERROR'],
    [facts({ service: 'loading' }), 'ACTIVE', 'BLOCKED'],
    [facts({ service: 'slow' }), 'ACTIVE', 'BLOCKED'],
    [facts({ service: 'unresponsive', agentFault: true }), 'ACTIVE', 'ERROR'],
    [facts({ service: 'crashed' }), 'ACTIVE', 'SHUTDOWN'],
    [facts({ agentFault: true }), 'ACTIVE', 'ERROR'],
    [facts({ role: 'ejected' }), 'ACTIVE', 'BLOCKED'],
    [facts({ fenced: true }), 'ACTIVE', 'BLOCKED'],
    [facts({ fenced: true, agentFault: true }), 'ACTIVE', 'ERROR'],
    [facts({ fenced: true, service: 'loading' }), 'ACTIVE', 'BLOCKED'],
    [facts({ fenced: true, role: 'replica' }), 'ACTIVE', 'HEALTHY'],
    [busy('create_instance'), 'BUILD', ''],
    [busy('create_replicas'), 'ACTIVE', 'HEALTHY'],
    [busy('create_replicas', false), 'BUILD', ''],
    [busy('promote_to_replica_source', false), 'PROMOTE', ''],
    [busy('eject_replica_source', false), 'EJECT', ''],
    [busy('detach_replica'), 'DETACH', ''],
    [busy('detach_replica', false), 'ACTIVE', 'HEALTHY'],
    [busy('restart_instance'), 'REBOOT', ''],
    [busy('delete_instance'), 'SHUTDOWN', ''],
    [busy('repair_replication'), 'ACTIVE', 'HEALTHY'],
  ] as const)('%j is %s and %s', (given, status, operating) => {
    expect(deriveStatus(given)).toBe(status)
    expect(deriveOperatingStatus(given, 6_000)).toBe(operating)
  })
})

it('every state of an operation leads to an end', () => {
  const ends = OPERATION_STATES.filter((state) => OPERATION_MOVES[state].length === 0)
  for (const state of OPERATION_STATES) {
    const reached = new Set([state])
    for (const next of reached) for (const other of OPERATION_MOVES[next]) reached.add(other)
    expect(ends.some((end) => reached.has(end))).toBe(true)
  }
})
