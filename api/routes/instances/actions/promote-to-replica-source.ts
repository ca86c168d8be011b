import { RedtroveError } from '../../../../common/errors.js'
import { followRefusal } from '../../../../domain/datastore/version.js'
import { called } from '../../../../domain/instance/called.js'
import { promoteToReplicaSource as promotion } from '../../../../domain/operation/kinds/promote-to-replica-source.js'
import type { InstanceFacts } from '../../../../store/store.js'
import type { ApiContext, Caller } from '../../../context.js'
import { openOnSubject } from '../open-on-subject.js'
import { requireServing } from '../readiness.js'

/** Refuses at once what can be known at once; what needs a fresh look is the taskmanager's. Answers with the operation's id. */
export async function promoteToReplicaSource(
  subject: InstanceFacts,
  caller: Caller,
  context: ApiContext,
): Promise<string> {
  const { setId } = subject.instance
  promotion.check({ subject: subject.instance, topology: await context.store.sets.topologyOf(setId) }, {})
  await requireAsNew(subject, context)
  requireServing(subject, context)
  return (await openOnSubject('promote_to_replica_source', subject, {}, caller, context)).id
}

/** The old source becomes a replica, and an older server cannot lead a newer one. An eject may: then there is nobody else. */
async function requireAsNew({ instance, sourceId }: InstanceFacts, context: ApiContext): Promise<void> {
  if (sourceId === null) return
  const [[source], versions] = await Promise.all([
    context.store.instances.findMany([sourceId]),
    context.store.catalog.datastoreVersions(),
  ])
  const versionOf = (id: string | undefined) => versions.find((version) => version.id === id)
  const [own, sources] = [
    versionOf(instance.datastoreVersionId),
    versionOf(source?.instance.datastoreVersionId),
  ]
  if (!own || !sources || own.id === sources.id) return
  if (followRefusal(sources, own) !== null)
    throw new RedtroveError(
      'bad_request',
      `Replica ${called(instance)} runs ${own.datastore} ${own.name} and cannot lead a set whose source runs ${sources.datastore} ${sources.name}.`,
    )
}
