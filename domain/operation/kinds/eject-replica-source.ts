import { z } from 'zod'
import { requireSource } from '../../replication/topology.js'
import { operationKind } from '../define.js'

/** A dead source is fenced, and the replica that has most leads. `force`: though it does not look dead. */
export const ejectReplicaSource = operationKind({
  kind: 'eject_replica_source',
  request: z.object({ force: z.boolean().optional() }),
  holds: 'set',
  deadlineMs: 120_000,
  status: { subject: 'EJECT', others: 'EJECT' },
  roleInMotion: true,
  urgent: true,
  check: ({ topology, subject }) => requireSource(topology, subject),
})
