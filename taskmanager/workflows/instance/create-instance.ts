/*
 * prepare: give the instance an address, queues and processes; wait until its agent answers; tell it that it is the source of its own
 *          set, which starts its server: an agent without a memory starts none that replicas could copy nothing from.
 *          Taken back by removing all of it; the row stays in ERROR with the reason, to be restarted or deleted.
 * commit:  nothing is left to do.
 */
import { z } from 'zod'
import type { Workflow } from '../../engine/workflow.js'
import { assign } from '../../guests/guests.js'
import { assignmentFor, faultOf, faultsOn } from '../replication/set-members.js'
import { ensureGuest, removeGuest, untilAnswering, untilReported } from './bring-up.js'

/** A source on its own. */
export const createInstance: Workflow<'create_instance', Record<string, never>> = {
  kind: 'create_instance',
  plan: z.record(z.string(), z.never()),

  async prepare(context, takeBack) {
    const id = context.operation.instanceId
    const facts = await context.store.instances.find(null, id)
    takeBack('remove the guest', (back) => removeGuest(id, back))
    await context.step('start the guest', async () =>
      ensureGuest(facts, await assignmentFor('source', null, context), context),
    )
    await context.step('wait for its agent', () => untilAnswering(id, context, context.timings.bootMs))
    await context.step('make it a source', async () => {
      const assignment = await assignmentFor('source', null, context)
      const token = context.token('make it a source')
      await assign(id, { token, assignment }, context)
    })
    return { plan: {} }
  },

  async commit(_plan, context) {
    await untilReported(context.operation.instanceId, context)
    return { state: 'done', result: { summary: 'The instance serves.' } }
  },

  // Another address next time: this one may be what did not work.
  rolledBack: ({ operation, ...context }, why) => ({
    instances: {
      [operation.instanceId]: {
        endpoint: null,
        fault: faultOf(`${why.message} Restart it to try again, or delete it.`, context),
      },
    },
  }),

  giveUp: async (_plan, context, why) => ({
    state: 'failed',
    fault: why.message,
    changes: { instances: faultsOn([context.operation.instanceId], why.message, context) },
  }),
}
