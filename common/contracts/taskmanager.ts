import { z } from 'zod'
import { defineContract } from '../rpc/contract.js'
import { assignmentSchema } from './assignment.js'
import { observationSchema } from './observation.js'

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

/** Guest → control plane, no answer. (bootId, seq) orders reports; wall clocks do not matter. */
export const reportSchema = z.object({
  instanceId: z.uuid(),
  // One that no database keeps would fail the reports of all that are stored with it.
  bootId: z.string().regex(/^[\x21-\x7e]{1,64}$/),
  seq: z.int().min(0),
  observation: observationSchema,
})
export type Report = z.output<typeof reportSchema>

/** API → taskmanager: something is runnable. Lost or doubled rings are harmless; the row is the order. */
export const ringSchema = z.object({ operationId: z.uuid() })
export type Ring = z.output<typeof ringSchema>
