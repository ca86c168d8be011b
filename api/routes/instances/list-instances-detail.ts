import { listPage } from '../../http/list-page.js'
import type { Handler } from '../../http/route.js'
import { instanceDetail } from '../../views/instance.js'

/** A page of the caller's instances with every detail. */
export const listInstancesDetail: Handler<'listInstancesDetail'> = async (request, caller, context) => ({
  status: 200,
  body: await listPage(request, caller, context, instanceDetail),
})
