import { detachReplica as detachment } from '../../../../domain/operation/kinds/detach-replica.js'
import type { InstanceFacts } from '../../../../store/store.js'
import type { ApiContext, Caller } from '../../../context.js'
import { openOnSubject } from '../open-on-subject.js'

/** Detaches a replica into a set of its own. Fails with `bad_request` when it is none. Answers with the operation's id. */
export async function detachReplica(
  subject: InstanceFacts,
  caller: Caller,
  context: ApiContext,
): Promise<string> {
  const { setId } = subject.instance
  detachment.check({ subject: subject.instance, topology: await context.store.sets.topologyOf(setId) }, {})
  return (await openOnSubject('detach_replica', subject, {}, caller, context)).id
}
