/*
 * prepare: nobody follows it.
 * commit:  stop its server if somebody is there to do so, remove the guest, its queues and its row. Works with agent, server and
 *          folder gone already; only a provider that does not answer holds it up.
 */
import { z } from 'zod'
import { isSilent } from '../../../domain/instance/silence.js'
import { deleteInstance as deletion } from '../../../domain/operation/kinds/delete-instance.js'
import type { Workflow, WorkflowContext } from '../../engine/workflow.js'
import { isGuestsFault, within } from '../../guests/guests.js'
import { faultsOn } from '../replication/set-members.js'

/** An instance and its data go. */
export const deleteInstance: Workflow<'delete_instance', Record<string, never>> = {
  kind: 'delete_instance',
  plan: z.record(z.string(), z.never()),

  async prepare({ store, operation }) {
    const { instance } = await store.instances.find(null, operation.instanceId)
    deletion.check({ subject: instance, topology: await store.sets.topologyOf(instance.setId) }, {})
    return { plan: {} }
  },

  async commit(_plan, context) {
    const { instanceId } = context.operation
    await context.step(
      'stop its redis-server',
      () => tryStop(context),
      (words) => words,
    )
    await context.step('remove the guest', () => context.compute.remove(instanceId))
    await context.step('remove its queues', () => context.queues.removeGuest(instanceId))
    return {
      state: 'done',
      result: { summary: 'The instance and its data are gone.' },
      changes: { instances: { [instanceId]: { deleted: true } } },
    }
  },

  giveUp: async (_plan, context, why) => ({
    state: 'failed',
    fault: why.message,
    changes: {
      instances: faultsOn([context.operation.instanceId], `${why.message} Delete it again.`, context),
    },
  }),
}

/** A clean end if it is cheap to have; removing the guest ends it in any case. */
async function tryStop(context: WorkflowContext): Promise<string> {
  const { instanceId } = context.operation
  const [facts] = await context.store.instances.findMany([instanceId])
  if (!facts || isSilent(facts.stored, context.timings.reportAgeMsMax)) return 'nobody is there to ask'
  const token = context.token('stop')
  try {
    await within(`Instance ${instanceId}`, context.timings.stopMs, context, (signal) =>
      context.guest(instanceId).stopServer({ token }, { signal }),
    )
    return 'stopped'
  } catch (error) {
    if (!isGuestsFault(error)) throw error
    return 'it did not stop by itself'
  }
}
