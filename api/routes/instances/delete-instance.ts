import { deleteInstance as deletion } from '../../../domain/operation/kinds/delete-instance.js'
import { reachOf } from '../../context.js'
import type { Handler } from '../../http/route.js'
import { openOnSubject } from './open-on-subject.js'

/** Deletes: 403 for a source with replicas, 422 while it is built or busy, 202 again while it is being deleted. */
export const deleteInstance: Handler<'deleteInstance'> = async ({ params }, caller, context) => {
  const subject = await context.store.instances.find(reachOf(caller), params.instance_id)
  if (subject.operation?.kind === 'delete_instance')
    return { status: 202, body: undefined, operationId: subject.operation.id }
  const { instance, sourceId: source, replicaIds: replicas } = subject
  // While it is held, what is wrong with it for good is said first.
  deletion.check({ subject: instance, topology: { source, replicas } }, {})
  const operation = await openOnSubject('delete_instance', subject, {}, caller, context)
  return { status: 202, body: undefined, operationId: operation.id }
}
