import { z } from 'zod'
import { called } from '../../instance/called.js'
import { detached } from '../../replication/topology.js'
import { operationKind } from '../define.js'

/** A replica becomes the source of a set of its own, with the data it has. */
export const detachReplica = operationKind({
  kind: 'detach_replica',
  request: z.object({}),
  holds: 'set',
  deadlineMs: 60_000,
  status: { subject: 'DETACH', others: 'ACTIVE' },
  roleInMotion: true,
  check: ({ topology, subject }) => void detached(topology, subject.id, called(subject)),
})
