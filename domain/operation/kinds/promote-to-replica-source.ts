import { z } from 'zod'
import { called } from '../../instance/called.js'
import { promoted } from '../../replication/topology.js'
import { operationKind } from '../define.js'

/** A replica and its source change places, without a lost write. */
export const promoteToReplicaSource = operationKind({
  kind: 'promote_to_replica_source',
  request: z.object({}),
  holds: 'set',
  deadlineMs: 60_000,
  status: { subject: 'PROMOTE', others: 'PROMOTE' },
  roleInMotion: true,
  urgent: true,
  check: ({ topology, subject }) => void promoted(topology, subject.id, called(subject)),
})
