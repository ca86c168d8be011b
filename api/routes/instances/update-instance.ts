import type { Handler } from '../../http/route.js'
import { updateInstance as update } from './update.js'

/** PUT: rename, detach. */
export const updateInstance: Handler<'updateInstance'> = async ({ params, body }, caller, context) => {
  const operationId = await update(params.instance_id, body.instance, caller, context)
  return { status: 202, body: undefined, ...(operationId === undefined ? {} : { operationId }) }
}
