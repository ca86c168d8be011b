import { z } from 'zod'
import { requireSource } from '../../replication/topology.js'
import { operationKind } from '../define.js'

/** Replicas of a source, all in one operation. The subject is the source, which goes on serving; a new replica's own limit is a setting. */
export const createReplicas = operationKind({
  kind: 'create_replicas',
  request: z.object({ replicaIds: z.array(z.string()).readonly() }),
  holds: 'subject',
  deadlineMs: 900_000,
  status: { subject: 'ACTIVE', others: 'BUILD' },
  roleInMotion: false,
  check: ({ topology, subject }) => requireSource(topology, subject),
})
