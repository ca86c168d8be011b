/*
 * Makes machines that differ from their rows agree with them again. All in prepare: the rows are not changed, each act only states
 * what they say, and nothing has to be taken back.
 * Order: first those that should not lead stop doing so, and only when all of them have said so the source leads.
 */
import { z } from 'zod'
import { driftOf } from '../../../domain/replication/drift.js'
import type { InstanceFacts } from '../../../store/store.js'
import type { Workflow, WorkflowContext } from '../../engine/workflow.js'
import { assign, lookAt } from '../../guests/guests.js'
import { assignmentFor } from './set-members.js'

/** Gives drifting members their roles again; its outline stands at the head of the file. */
export const repairReplication: Workflow<'repair_replication', Record<string, never>> = {
  kind: 'repair_replication',
  plan: z.record(z.string(), z.never()),

  async prepare(context) {
    const members = await context.store.instances.findMany(context.operation.memberIds)
    const drift = await context.step(
      'look again',
      async () => (await Promise.all(members.map((one) => driftNow(one, context)))).flat(),
      (sentences) => sentences.join('; ') || 'nothing differs any more',
    )
    if (drift.length === 0)
      return { outcome: { state: 'done', result: { summary: 'Nothing differs any more.' } } }
    const followers = members.filter(({ instance }) => instance.role !== 'source')
    const sources = members.filter(({ instance }) => instance.role === 'source')
    await context.step('lead back the followers', () => tellAll(followers, context))
    await context.step('lead back the source', () => tellAll(sources, context))
    return { outcome: { state: 'done', result: { summary: `Repaired: ${drift.join('; ')}.`, drift } } }
  },

  async commit() {
    return { state: 'done' }
  },

  giveUp: async (_plan, _context, why) => ({ state: 'failed', fault: why.message }),
}

async function driftNow(facts: InstanceFacts, context: WorkflowContext): Promise<readonly string[]> {
  const seen = await lookAt(facts.instance.id, context)
  return seen ? driftOf({ ...facts.instance, source: await sourceOf(facts, context) }, seen) : []
}

async function sourceOf({ sourceId }: InstanceFacts, { store }: WorkflowContext) {
  if (sourceId === null) return null
  const [source] = await store.instances.findMany([sourceId])
  return source?.instance.endpoint ?? null
}

async function tellAll(members: readonly InstanceFacts[], context: WorkflowContext): Promise<void> {
  const tell = async (facts: InstanceFacts) => {
    const { id, role } = facts.instance
    const source = role === 'replica' ? await sourceOf(facts, context) : null
    const assignment = await assignmentFor(role, source, context)
    const token = context.token('repair')
    await assign(id, { token, assignment }, context)
  }
  await Promise.all(members.map(tell))
}
