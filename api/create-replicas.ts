import { randomUUID } from 'node:crypto'
import type { InstanceFacts } from '../common/db/store.js'
import { OPERATION_DEADLINE_MS } from '../common/domain/operation-deadlines.js'
import { RedtroveError } from '../common/errors.js'
import type { ApiContext, Caller } from './context.js'
import {
  checkNics,
  flavorIdOf,
  type InstanceCreate,
  refuseUnsupported,
  volumeGbOf,
} from './create-request.js'
import { accessOf, type Created } from './create-source.js'
import { requireServing } from './readiness.js'

/** N replicas of one source in one operation that holds the source and all of them. Answers with the last one, as Trove does. */
export async function createReplicas(
  wanted: InstanceCreate,
  sourceId: string,
  caller: Caller,
  context: ApiContext,
): Promise<Created> {
  const source = await context.store.instances.find(caller.projectId, sourceId)
  await checkRequest(wanted, source, context)
  const count = wanted.replica_count ?? 1
  const replicaIds = Array.from({ length: count }, () => randomUUID())
  const operation = await context.store.operations.open({
    kind: 'create_replicas',
    projectId: caller.projectId,
    instanceId: sourceId,
    setId: source.instance.setId,
    memberIds: [sourceId, ...replicaIds],
    request: { replicaIds },
    requestId: caller.requestId,
    deadlineMs: OPERATION_DEADLINE_MS.create_replicas,
    newInstances: replicaIds.map((id, index) => ({
      id,
      projectId: caller.projectId,
      name: count > 1 ? `${wanted.name}-${index + 1}` : wanted.name,
      setId: source.instance.setId,
      role: 'replica' as const,
      flavorId: source.instance.flavorId,
      volumeGb: source.instance.volumeGb,
      volumeType: source.instance.volumeType,
      datastoreVersionId: source.instance.datastoreVersionId,
      availabilityZone: wanted.availability_zone ?? null,
      locality: source.instance.locality,
      access: accessOf(wanted),
    })),
    instanceQuota: await context.store.quotas.limit(
      caller.projectId,
      'instances',
      context.settings.REDTROVE_MAX_INSTANCES_PER_PROJECT,
    ),
    check: (_facts, topology) => {
      if (topology.source !== sourceId)
        throw new RedtroveError(
          'unprocessable',
          `Instance ${sourceId} is not the source of its set any more.`,
        )
    },
  })
  context.log.info(
    { operationId: operation.id, instanceId: sourceId, requestId: caller.requestId, count },
    'replicas accepted',
  )
  context.ring(operation.id)
  return { instanceId: replicaIds.at(-1) ?? sourceId, operationId: operation.id }
}

async function checkRequest(
  wanted: InstanceCreate,
  source: InstanceFacts,
  context: ApiContext,
): Promise<void> {
  const { instance } = source
  if (instance.role === 'replica') {
    throw new RedtroveError(
      'forbidden',
      `Cannot create a replica of a replica (${instance.id}); name its source.`,
    )
  }
  if (instance.role === 'ejected') {
    throw new RedtroveError(
      'unprocessable',
      `Instance ${instance.id} was ejected and takes no replicas; name the new source.`,
    )
  }
  refuseUnsupported(wanted)
  checkNics(wanted)
  if (wanted.nics?.some((nic) => nic.ip_address)) throw bad('An IP address cannot be chosen for replicas.')
  if (wanted.locality) throw bad('Locality cannot be given with replica_of; replicas have their source’s.')
  await refuseOtherThanSource(wanted, source, context)
  requireServing(source, context)
}

/** Older clients repeat the source's flavor, volume and datastore; equal values are welcome, others would be ignored in silence. */
async function refuseOtherThanSource(
  wanted: InstanceCreate,
  { instance }: InstanceFacts,
  context: ApiContext,
): Promise<void> {
  if (wanted.flavorRef !== undefined && flavorIdOf(wanted.flavorRef) !== instance.flavorId) {
    throw bad('Cannot specify a flavor with replica_of; a replica has its source’s.')
  }
  const volumeGb = volumeGbOf(wanted)
  if (volumeGb !== undefined && volumeGb !== instance.volumeGb)
    throw bad('Cannot specify a volume with replica_of; a replica has its source’s.')
  const { type, version } = wanted.datastore ?? {}
  if (!type && !version) return
  const own = (await context.store.catalog.datastoreVersions()).find(
    ({ id }) => id === instance.datastoreVersionId,
  )
  const sameType = !type || type === own?.datastore || type === own?.datastoreId
  const sameVersion = !version || version === own?.name || version === own?.id
  if (!sameType || !sameVersion)
    throw bad('Cannot specify a datastore with replica_of; a replica has its source’s.')
}

function bad(message: string): RedtroveError {
  return new RedtroveError('bad_request', message)
}
