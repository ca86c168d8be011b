import type { Handler } from '../../http/route.js'
import { updateInstance } from './update.js'

/** PATCH: as PUT, with Train's `slave_of`. */
export const editInstance: Handler<'editInstance'> = async ({ params, body }, caller, context) => {
  const operationId = await updateInstance(params.instance_id, body.instance, caller, context)
  return { status: 202, body: undefined, ...(operationId === undefined ? {} : { operationId }) }
}
