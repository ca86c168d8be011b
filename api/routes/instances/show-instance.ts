import { reachOf } from '../../context.js'
import type { Handler } from '../../http/route.js'
import { instanceDetail } from '../../views/instance.js'
import { viewingOf } from '../../views/show-instances.js'

/** One instance; another project's is not found. */
export const showInstance: Handler<'showInstance'> = async ({ params }, caller, context) => {
  const facts = await context.store.instances.find(reachOf(caller), params.instance_id)
  return { status: 200, body: { instance: instanceDetail(facts, await viewingOf(caller, context)) } }
}
