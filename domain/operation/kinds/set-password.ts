import { z } from 'zod'
import { operationKind } from '../define.js'

/** Sets or rotates the application password on every member of a set (Trove's root enable and disable); sealed with the key ring. */
export const setPassword = operationKind({
  kind: 'set_password',
  request: z.object({ sealedPassword: z.string(), disable: z.boolean() }),
  holds: 'set',
  deadlineMs: 60_000,
  status: { subject: 'ACTIVE', others: 'ACTIVE' },
  roleInMotion: false,
})
