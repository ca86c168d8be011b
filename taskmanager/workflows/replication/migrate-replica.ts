/*
 * Its host is to be emptied. Data do not move: it is made anew elsewhere and copies its source, under the same id and name.
 *
 * prepare: it is a replica, and its source serves.
 * commit:  the provider removes it and starts it on another host (and changes nothing when there is none); it is told whom to follow; its link
 *          comes up. Until then the set has one copy less, and what stands in the way is its fault.
 */

import { z } from 'zod'
import { isKind, RedtroveError } from '../../../common/errors.js'
import { type Endpoint, endpointSchema } from '../../../domain/instance/endpoint.js'
import { dataBytesOf } from '../../../domain/instance/flavor.js'
import type { Instance } from '../../../domain/instance/instance.js'
import type { Workflow, WorkflowContext } from '../../engine/workflow.js'
import { untilReported, untilServing } from '../instance/bring-up.js'
import { follow } from './promote/hand-over.js'
import { assignmentFor, endpointOf, faultsOn, membersOf, requireSource } from './set-members.js'
import { untilLinked } from './until-linked.js'

const planSchema = z.object({ source: endpointSchema })
type Plan = z.output<typeof planSchema>

/** Null when it has another host; the reason when there is none for it and it is where it was, serving. */
async function move(instance: Instance, source: Endpoint, context: WorkflowContext): Promise<string | null> {
  try {
    await context.compute.move({
      instanceId: instance.id,
      assignment: await assignmentFor('replica', source, context),
      sealKey: context.keyRing.instanceKey(instance.id).toString('hex'),
      brokerAccount: await context.queues.declareGuest(instance.id),
      maxMemoryBytes: dataBytesOf(instance.flavorId),
      volumeGb: instance.volumeGb,
    })
    return null
  } catch (error) {
    if (!isKind(error, 'guest_failed')) throw error
    if ((await context.compute.inspect(instance.id)).state !== 'running') throw error
    return error.message
  }
}

/** A replica goes to another host. */
export const migrateReplica: Workflow<'migrate_replica', Plan> = {
  kind: 'migrate_replica',
  plan: planSchema,

  async prepare(context) {
    const { instanceId } = context.operation
    const { instance } = await context.store.instances.find(null, instanceId)
    if (instance.role !== 'replica')
      throw new RedtroveError(
        'unprocessable',
        `Instance ${instanceId} is not a replica; only replicas are moved to another host.`,
      )
    const source = requireSource(await membersOf(context))
    await context.step('see that its source serves', () =>
      untilServing(source.instance.id, context, context.timings.patienceMs),
    )
    return { plan: { source: endpointOf(source) } }
  },

  async commit({ source }, context) {
    const { instanceId: id } = context.operation
    const { instance } = await context.store.instances.find(null, id)
    const refused = await context.step('start it on another host', () => move(instance, source, context))
    if (refused !== null) return { state: 'failed', fault: refused }
    await context.step('wait for its redis-server', () => untilServing(id, context))
    await context.step('copy the data', async (progress) => {
      await follow(id, source, context)
      await untilLinked(id, context, { progress })
    })
    await untilReported(id, context)
    return {
      state: 'done',
      result: { summary: 'The replica is on another host and follows its source.' },
      changes: { instances: { [id]: { fault: null } } },
    }
  },

  giveUp: async (_plan, context, why) => ({
    state: 'failed',
    fault: why.message,
    changes: { instances: faultsOn([context.operation.instanceId], why.message, context) },
  }),
}
