import { z } from 'zod'
import { operationKind } from '../define.js'

/** Opened by the evacuation only: a replica is made anew on another host, since its own takes no guests any more. */
export const migrateReplica = operationKind({
  kind: 'migrate_replica',
  request: z.object({}),
  holds: 'subject',
  deadlineMs: 180_000,
  status: { subject: 'BUILD', others: 'ACTIVE' },
  roleInMotion: false,
})
