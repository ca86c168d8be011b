import { called } from '../../../../domain/instance/called.js'
import { detached } from '../../../../domain/replication/topology.js'
import type { InstanceFacts } from '../../../../store/store.js'
import type { ApiContext, Caller } from '../../../context.js'
import { openOnSet } from '../open-on-set.js'

/** Detaches a replica into a set of its own. Fails with `bad_request` when it is none. Answers with the operation's id. */
export async function detachReplica(
  subject: InstanceFacts,
  caller: Caller,
  context: ApiContext,
): Promise<string> {
  const { id } = subject.instance
  detached(await context.store.sets.topologyOf(subject.instance.setId), id, called(subject.instance))
  const operation = await openOnSet(
    {
      kind: 'detach_replica',
      subject,
      request: {},
      hold: 'set',
      check: (_facts, topology) => void detached(topology, id, called(subject.instance)),
    },
    caller,
    context,
  )
  return operation.id
}
