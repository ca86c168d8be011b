import { z } from 'zod'
import { endpointSchema, isSameEndpoint } from '../../../../domain/instance/endpoint.js'
import { isStreaming } from '../../../../domain/replication/ejection.js'
import type { WorkflowContext } from '../../../engine/workflow.js'
import { lookAt } from '../../../guests/guests.js'

const memberSchema = z.object({ id: z.uuid(), endpoint: endpointSchema })

/** What a promote saves at its point of no return. */
export const promotePlanSchema = z.object({
  candidate: memberSchema,
  oldSource: memberSchema,
  members: z.array(memberSchema),
  /** Where the source's history stood when writes were held back; the candidate has applied it. */
  replicationId: z.string(),
  offset: z.number(),
  /** The old source's own set if it has to be fenced. */
  ownSetId: z.uuid(),
})
export type PromotePlan = z.output<typeof promotePlanSchema>

/** Some replica hears the old source now: it serves, whatever its agent does. */
export async function isHeard(plan: PromotePlan, context: WorkflowContext): Promise<boolean> {
  const replicas = plan.members.filter(({ id }) => id !== plan.oldSource.id)
  const seen = await Promise.all(replicas.map(({ id }) => lookAt(id, context)))
  return seen.some(
    (one) => one !== null && isStreaming(one) && isSameEndpoint(one.following, plan.oldSource.endpoint),
  )
}
