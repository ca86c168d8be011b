import type { Handler } from '../../http/route.js'
import { listOperationsPage } from './list-operations-page.js'

/** A page of the project's operations. */
export const listOperations: Handler<'listOperations'> = async (request, caller, context) => ({
  status: 200,
  body: await listOperationsPage(request, caller, context, caller.projectId),
})
