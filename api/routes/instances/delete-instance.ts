import { RedtroveError } from '../../../common/errors.js'
import { called } from '../../../domain/instance/called.js'
import type { InstanceFacts } from '../../../store/store.js'
import { reachOf } from '../../context.js'
import type { Handler } from '../../http/route.js'
import { openOnSet } from './open-on-set.js'

/** Deletes: 403 for a source with replicas, 422 while it is built or busy, 202 again while it is being deleted. */
export const deleteInstance: Handler<'deleteInstance'> = async ({ params }, caller, context) => {
  const subject = await context.store.instances.find(reachOf(caller), params.instance_id)
  if (subject.operation?.kind === 'delete_instance')
    return { status: 202, body: undefined, operationId: subject.operation.id }
  refuseSourceOfReplicas(subject)
  const operation = await openOnSet(
    {
      kind: 'delete_instance',
      subject,
      request: {},
      hold: 'subject',
      check: (facts) =>
        facts.filter(({ instance }) => instance.id === subject.instance.id).forEach(refuseSourceOfReplicas),
    },
    caller,
    context,
  )
  return { status: 202, body: undefined, operationId: operation.id }
}

function refuseSourceOfReplicas({ instance, replicaIds }: InstanceFacts): void {
  if (replicaIds.length === 0) return
  throw new RedtroveError(
    'forbidden',
    `Cannot delete ${called(instance)}: it is the source of ${replicaIds.join(', ')}; detach or delete them first.`,
  )
}
