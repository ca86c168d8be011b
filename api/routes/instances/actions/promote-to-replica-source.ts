import { RedtroveError } from '../../../../common/errors.js'
import { followRefusal } from '../../../../domain/datastore/version.js'
import { called } from '../../../../domain/instance/called.js'
import { promoted } from '../../../../domain/replication/topology.js'
import type { InstanceFacts } from '../../../../store/store.js'
import type { ApiContext, Caller } from '../../../context.js'
import { openOnSet } from '../open-on-set.js'
import { requireServing } from '../readiness.js'

/** Refuses at once what can be known at once; what needs a fresh look is the taskmanager's. Answers with the operation's id. */
export async function promoteToReplicaSource(
  subject: InstanceFacts,
  caller: Caller,
  context: ApiContext,
): Promise<string> {
  const { id } = subject.instance
  promoted(await context.store.sets.topologyOf(subject.instance.setId), id, called(subject.instance))
  await requireAsNew(subject, context)
  requireServing(subject, context)
  const operation = await openOnSet(
    {
      kind: 'promote_to_replica_source',
      subject,
      request: {},
      hold: 'set',
      check: (_facts, topology) => void promoted(topology, id, called(subject.instance)),
    },
    caller,
    context,
  )
  return operation.id
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
