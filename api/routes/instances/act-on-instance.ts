import { RedtroveError } from '../../../common/errors.js'
import type { InstanceFacts } from '../../../store/store.js'
import type { components } from '../../../wire/http/openapi.js'
import { type ApiContext, type Caller, reachOf } from '../../context.js'
import type { Handler } from '../../http/route.js'
import { ejectReplicaSource } from './actions/eject-replica-source.js'
import { promoteToReplicaSource } from './actions/promote-to-replica-source.js'
import { resetStatus } from './actions/reset-status.js'
import { restart } from './actions/restart.js'

type Action = components['schemas']['InstanceAction']

/** One action; which one is the body's only key. */
export const actOnInstance: Handler<'actOnInstance'> = async ({ params, body }, caller, context) => {
  const subject = await context.store.instances.find(reachOf(caller), params.instance_id)
  const operationId = await act(body, subject, caller, context)
  return { status: 202, body: undefined, ...(operationId === undefined ? {} : { operationId }) }
}

async function act(
  action: Action,
  subject: InstanceFacts,
  caller: Caller,
  context: ApiContext,
): Promise<string | undefined> {
  if ('restart' in action) {
    return restart(subject, action.restart?.accept_older_data === true, caller, context)
  }
  if ('promote_to_replica_source' in action) return promoteToReplicaSource(subject, caller, context)
  if ('eject_replica_source' in action) {
    return ejectReplicaSource(subject, action.eject_replica_source?.force === true, caller, context)
  }
  if ('reset_status' in action) return resetStatus(subject, action.reset_status ?? {}, caller, context)
  throw new RedtroveError('not_implemented', 'Resizing is not offered yet.')
}
