import { reachOf } from '../../context.js'
import type { Handler } from '../../http/route.js'
import { listOperationsPage } from './list-operations-page.js'

/** A page of the operations that held one instance. */
export const listInstanceOperations: Handler<'listInstanceOperations'> = async (request, caller, context) => {
  const { instance } = await context.store.instances.find(reachOf(caller), request.params.instance_id)
  return {
    status: 200,
    body: await listOperationsPage(request, caller, context, instance.projectId, instance.id),
  }
}
