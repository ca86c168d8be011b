import { z } from 'zod'
import { endpointSchema } from '../instance/endpoint.js'
import { MEMBER_ROLES } from '../instance/instance.js'
import { credentialsSchema } from './credentials.js'

/** What an agent is told to be: desired state, so it may be repeated at will. */
export const assignmentSchema = z.object({
  setId: z.uuid(),
  epoch: z.int().min(1),
  role: z.enum(MEMBER_ROLES),
  /** Whom to follow; set for a replica, null otherwise. */
  source: endpointSchema.nullable(),
  credentials: credentialsSchema,
})
export type Assignment = z.output<typeof assignmentSchema>
