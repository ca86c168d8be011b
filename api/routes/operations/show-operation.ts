import { reachOf } from '../../context.js'
import type { Handler } from '../../http/route.js'
import { operationView } from '../../views/operation.js'

/** One operation with its steps. */
export const showOperation: Handler<'showOperation'> = async ({ params }, caller, { store }) => {
  const operation = await store.operations.find(reachOf(caller), params.operation_id)
  return {
    status: 200,
    body: { operation: operationView(operation, await store.operations.steps(operation.id)) },
  }
}
