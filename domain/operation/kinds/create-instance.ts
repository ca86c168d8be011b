import { z } from 'zod'
import { operationKind } from '../define.js'

/** A stand-alone instance: a source of a set of its own. */
export const createInstance = operationKind({
  kind: 'create_instance',
  request: z.object({}),
  holds: 'subject',
  deadlineMs: 180_000,
  status: { subject: 'BUILD', others: 'BUILD' },
  roleInMotion: true,
})
