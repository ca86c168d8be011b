import { z } from 'zod'
import { observationSchema } from './observation.js'

/** Guest → control plane, no answer. (bootId, seq) orders reports; wall clocks do not matter. */
export const reportSchema = z.object({
  instanceId: z.uuid(),
  // One that no database keeps would fail the reports of all that are stored with it.
  bootId: z.string().regex(/^[\x21-\x7e]{1,64}$/),
  seq: z.int().min(0),
  observation: observationSchema,
})
export type Report = z.output<typeof reportSchema>
