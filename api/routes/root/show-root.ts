import { reachOf } from '../../context.js'
import type { Handler } from '../../http/route.js'

/** Whether a password was set by request. There is always one. */
export const showRoot: Handler<'showRoot'> = async ({ params }, caller, { store }) => {
  const { instance } = await store.instances.find(reachOf(caller), params.instance_id)
  const set = await store.sets.find(instance.setId)
  return { status: 200, body: { rootEnabled: set.rootEnabledAtMs !== null } }
}
