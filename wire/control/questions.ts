import { z } from 'zod'
import { assignmentSchema } from '../../domain/replication/assignment.js'
import { defineContract } from '../contract.js'

/** What an agent may ask of the control plane. The asking instance is known from the key that sealed the message. */
export const taskmanagerQuestions = defineContract({
  /**
   * What this instance should be now. `assignment` is null while an operation that holds the instance is under way (the
   * operation will tell it itself) or when the instance is deleted; ask again later.
   */
  assignmentOf: {
    params: z.object({}),
    result: z.object({ assignment: assignmentSchema.nullable() }),
    timeoutMs: 5_000,
    lane: 'query',
  },
})

/** API → taskmanager: something is runnable. Lost or doubled ones are harmless; the row is the order. */
export const announcementSchema = z.object({ operationId: z.uuid() })
