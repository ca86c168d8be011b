import { describe, expect, it } from 'vitest'
import type { Instance } from '../../../domain/instance/instance.js'
import { kindOf, OPERATION_KINDS } from '../../../domain/operation/kinds/index.js'
import type { Topology } from '../../../domain/replication/topology.js'

const subject = { id: 'a', name: 'orders' } as Instance // its name and id are all that a check reads
const leads: Topology = { source: 'a', replicas: ['b'] }
const alone: Topology = { source: 'a', replicas: [] }
const follows: Topology = { source: 'b', replicas: ['a'] }

describe('a kind refuses rows that it cannot be done to', () => {
  it.each([
    ['detach_replica', leads, {}, 'bad_request'],
    ['promote_to_replica_source', leads, {}, 'bad_request'],
    ['eject_replica_source', follows, {}, 'unprocessable'],
    ['create_replicas', follows, { replicaIds: [] }, 'unprocessable'],
    ['delete_instance', leads, {}, 'forbidden'],
    ['restart_instance', leads, { acceptOlderData: true }, 'unprocessable'],
  ] as const)('%s, on %o', (kind, topology, request, refused) => {
    const check = () => kindOf(kind).check({ subject, topology }, request as never) // each kind's own, above
    expect(check).toThrow(
      expect.objectContaining({ kind: refused, message: expect.stringContaining('orders (a)') }),
    )
  })

  it.each([
    ['detach_replica', follows, {}],
    ['promote_to_replica_source', follows, {}],
    ['eject_replica_source', leads, {}],
    ['create_replicas', alone, { replicaIds: [] }],
    ['delete_instance', alone, {}],
    ['delete_instance', follows, {}],
    ['restart_instance', leads, {}],
    ['restart_instance', alone, { acceptOlderData: true }],
    ['set_password', leads, { sealedPassword: 'x', disable: false }],
  ] as const)('and lets pass %s, on %o', (kind, topology, request) => {
    expect(() => kindOf(kind).check({ subject, topology }, request as never)).not.toThrow()
  })
})

it('every kind is listed under its own name, and has a deadline', () => {
  for (const kind of OPERATION_KINDS) {
    expect(kindOf(kind).kind).toBe(kind)
    expect(kindOf(kind).deadlineMs).toBeGreaterThan(0)
  }
})
