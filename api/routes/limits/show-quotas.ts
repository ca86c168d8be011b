import { RedtroveError } from '../../../common/errors.js'
import type { Handler } from '../../http/route.js'

/** Quotas of one's own project, or of any for an admin. */
export const showQuotas: Handler<'showQuotas'> = async ({ params }, caller, { store, settings }) => {
  const project = params.quota_project
  if (project !== caller.projectId && !caller.isAdmin) {
    throw new RedtroveError('forbidden', 'Quotas of another project may be read by an admin only.')
  }
  const [limit, inUse] = await Promise.all([
    store.quotas.limit(project, 'instances', settings.REDTROVE_MAX_INSTANCES_PER_PROJECT),
    store.instances.count(project),
  ])
  return { status: 200, body: { quotas: [{ resource: 'instances', in_use: inUse, reserved: 0, limit }] } }
}
