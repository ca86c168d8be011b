/*
 * Also the second try of an instance in ERROR, and how an ejected one comes up again (read-only, for its data).
 *
 * prepare: its guest exists and its agent answers; a silent one is power-cycled (fenced, started). A fenced guest is let go on. A source
 *          that has lost its data is refused: it would lead with nothing.
 * commit:  restart its redis-server (in place, from its own data) as what it is to be, clear the fault. The role travels with the order
 *          and is on disk before the process is touched, so no restart brings back an old one, and a server that does not answer need not.
 */

import { z } from 'zod'
import { RedtroveError } from '../../../common/errors.js'
import type { Endpoint } from '../../../domain/instance/endpoint.js'
import type { Observation } from '../../../domain/instance/observation.js'
import { isSilent } from '../../../domain/instance/silence.js'
import type { Assignment } from '../../../domain/replication/assignment.js'
import type { InstanceFacts } from '../../../store/store.js'
import type { Workflow, WorkflowContext } from '../../engine/workflow.js'
import { isGuestsFault, within } from '../../guests/guests.js'
import { assignmentFor, faultsOn } from '../replication/set-members.js'
import { untilLinked } from '../replication/until-linked.js'
import { ensureGuest, untilAnswering, untilReported } from './bring-up.js'

const RESTART_MS = 120_000

/** A server is stopped and started from its own data. */
export const restartInstance: Workflow<'restart_instance', Record<string, never>> = {
  kind: 'restart_instance',
  plan: z.record(z.string(), z.never()),

  async prepare(context) {
    const { instanceId } = context.operation
    const facts = await context.store.instances.find(null, instanceId)
    const requireData = (seen: Observation) => requireLoadable(seen, facts, context)
    await context.step('see that its guest runs', () => start(facts, context))
    await context.step('wait for its agent', async () => {
      try {
        requireData(await untilAnswering(instanceId, context, graceOf(facts, context)))
      } catch (error) {
        if (!isGuestsFault(error)) throw error
        await context.compute.fence(instanceId)
        await start(facts, context)
        requireData(await untilAnswering(instanceId, context, context.timings.bootMs))
      }
    })
    return { plan: {} }
  },

  async commit(_plan, context) {
    const { instanceId } = context.operation
    const { role, source } = await placeOf(context)
    const assignment = await assignmentFor(role, source, context)
    await context.step('restart its redis-server', () => restart(assignment, context))
    const link = role === 'replica' ? await tryLink(context) : null
    await untilReported(instanceId, context)
    const summary = `The ${role === 'ejected' ? 'ejected instance' : role} was restarted${link === null ? '' : `; its link is ${link}`}.`
    return { state: 'done', result: { summary }, changes: { instances: { [instanceId]: { fault: null } } } }
  },

  rolledBack: ({ operation, ...context }, why) => ({
    instances: faultsOn([operation.instanceId], why.message, context),
  }),

  giveUp: async (_plan, context, why) => ({
    state: 'failed',
    fault: why.message,
    changes: { instances: faultsOn([context.operation.instanceId], why.message, context) },
  }),
}

/** No restart brings back what is gone; what is left of data that cannot be loaded is taken only when that was asked for. */
function requireLoadable(
  { emptied, damaged, fault }: Observation,
  { instance }: InstanceFacts,
  { operation }: WorkflowContext<'restart_instance'>,
): void {
  if (emptied)
    throw new RedtroveError('unprocessable', fault ?? 'The data directory of this instance is empty.')
  if (!damaged || operation.request.acceptOlderData || instance.role === 'replica') return
  throw new RedtroveError('unprocessable', fault ?? 'Its data cannot be loaded.')
}

async function start(facts: InstanceFacts, context: WorkflowContext): Promise<void> {
  const { role, source } = await placeOf(context)
  await ensureGuest(facts, await assignmentFor(role, source, context), context)
}

/** A guest that reported until now is asked longer before it is power-cycled: its agent may be on its way back. */
function graceOf(facts: InstanceFacts, context: WorkflowContext): number {
  const { patienceMs, reportAgeMsMax } = context.timings
  return isSilent(facts.stored, reportAgeMsMax) && facts.stored ? patienceMs / 2 : patienceMs
}

async function placeOf({ store, operation }: WorkflowContext): Promise<{
  readonly role: InstanceFacts['instance']['role']
  readonly source: Endpoint | null
}> {
  const { instance, sourceEndpoint } = await store.instances.find(null, operation.instanceId)
  return { role: instance.role, source: instance.role === 'replica' ? sourceEndpoint : null }
}

async function restart(
  assignment: Assignment,
  context: WorkflowContext<'restart_instance'>,
): Promise<Observation> {
  const { instanceId } = context.operation
  const token = context.token('restart')
  const acceptOlderData = context.operation.request.acceptOlderData === true
  const { observation } = await within(`Instance ${instanceId}`, RESTART_MS, context, (signal) =>
    context.guest(instanceId).restartServer({ token, assignment, acceptOlderData }, { signal }),
  )
  return observation
}

/** A replica is restarted whether or not its source is there to be copied. */
async function tryLink(context: WorkflowContext): Promise<string> {
  const { patienceMs } = context.timings
  return context.step('wait for its link', async (progress) => {
    try {
      await untilLinked(context.operation.instanceId, context, { idleMs: patienceMs, progress })
      return 'up'
    } catch (error) {
      if (!isGuestsFault(error)) throw error
      return 'still down'
    }
  })
}
