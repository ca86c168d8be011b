import type { Handler } from '../../http/route.js'
import { instanceDetail } from '../../views/instance.js'
import { viewingOf } from '../../views/show-instances.js'
import { createReplicas } from './create-replicas.js'
import { createSource } from './create-source.js'

/** A source, or replicas of one when `replica_of` (or Train's `slave_of`) names it. */
export const createInstance: Handler<'createInstance'> = async ({ body }, caller, context) => {
  const wanted = body.instance
  const sourceId = wanted.replica_of ?? wanted.slave_of ?? null
  const created =
    sourceId === null
      ? await createSource(wanted, caller, context)
      : await createReplicas(wanted, sourceId, caller, context)
  const facts = await context.store.instances.find(caller.projectId, created.instanceId)
  const view = instanceDetail(facts, await viewingOf(caller, context))
  return {
    status: 200,
    body: {
      instance: { ...view, ...(created.password === undefined ? {} : { password: created.password }) },
    },
    operationId: created.operationId,
  }
}
