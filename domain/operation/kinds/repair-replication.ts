import { z } from 'zod'
import { operationKind } from '../define.js'

/**
 * Opened by the drift watch only: makes observed roles equal the desired ones. It holds the members that drift and no other, so that a repair
 * neither waits for nor stands in the way of what is done to the rest. `drift`: what was seen, a sentence each.
 */
export const repairReplication = operationKind({
  kind: 'repair_replication',
  request: z.object({ drift: z.array(z.string()).readonly() }),
  holds: 'named',
  deadlineMs: 60_000,
  status: { subject: 'ACTIVE', others: 'ACTIVE' },
  roleInMotion: false,
})
