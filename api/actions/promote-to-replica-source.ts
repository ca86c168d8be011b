import type { InstanceFacts } from '../../common/db/store.js'
import { promoted } from '../../common/domain/replication.js'
import type { ApiContext, Caller } from '../context.js'
import { openOnSet } from '../open-on-set.js'
import { requireServing } from '../readiness.js'

/** Refuses at once what can be known at once; what needs a fresh look is the taskmanager's. Answers with the operation's id. */
export async function promoteToReplicaSource(
  subject: InstanceFacts,
  caller: Caller,
  context: ApiContext,
): Promise<string> {
  const { id } = subject.instance
  promoted(await context.store.sets.topologyOf(subject.instance.setId), id)
  requireServing(subject, context)
  const operation = await openOnSet(
    {
      kind: 'promote_to_replica_source',
      subject,
      request: {},
      hold: 'set',
      check: (_facts, topology) => void promoted(topology, id),
    },
    caller,
    context,
  )
  return operation.id
}
