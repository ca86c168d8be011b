import { listPage } from '../../http/list-page.js'
import type { Handler } from '../../http/route.js'
import { instanceSummary } from '../../views/instance.js'

/** A page of the caller's instances. */
export const listInstances: Handler<'listInstances'> = async (request, caller, context) => ({
  status: 200,
  body: await listPage(request, caller, context, instanceSummary),
})
