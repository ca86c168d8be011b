import { randomUUID } from 'node:crypto'
import { RedtroveError } from '../../../common/errors.js'
import { followRefusal } from '../../../domain/datastore/version.js'
import { called } from '../../../domain/instance/called.js'
import type { InstanceFacts } from '../../../store/store.js'
import { type ApiContext, askedBy, type Caller } from '../../context.js'
import { chooseVersion } from '../datastores/find-datastore.js'
import { flavorIdOf, type InstanceCreate, refuseUnsupported, volumeGbOf } from './create-request.js'
import type { Created } from './create-source.js'
import { requireServing } from './readiness.js'
import { refuseUnenforced } from './refuse-unenforced.js'

/** As openapi.yaml and the database have it. */
const NAME_LENGTH_MAX = 255

/** N replicas of one source in one operation that holds the source and all of them. Answers with the last one, as Trove does. */
export async function createReplicas(
  wanted: InstanceCreate,
  sourceId: string,
  caller: Caller,
  context: ApiContext,
): Promise<Created> {
  const count = wanted.replica_count ?? 1
  const names = namesOf(wanted.name, count)
  const source = await context.store.instances.find(caller.projectId, sourceId)
  checkRequest(wanted, source, context)
  const datastoreVersionId = await versionIdOf(wanted, source, caller, context)
  const replicaIds = names.map(() => randomUUID())
  requireRoomBeside(source, context)
  const operation = await context.openOperation({
    kind: 'create_replicas',
    projectId: caller.projectId,
    instanceId: sourceId,
    setId: source.instance.setId,
    request: { replicaIds },
    ...askedBy(caller),
    newInstances: replicaIds.map((id, index) => ({
      id,
      projectId: caller.projectId,
      // As many names as ids.
      name: names[index] ?? wanted.name,
      setId: source.instance.setId,
      role: 'replica' as const,
      flavorId: source.instance.flavorId,
      volumeGb: source.instance.volumeGb,
      datastoreVersionId,
      availabilityZone: wanted.availability_zone || null,
      locality: source.instance.locality,
    })),
    instanceQuota: await context.store.quotas.limit(
      caller.projectId,
      'instances',
      context.settings.REDTROVE_MAX_INSTANCES_PER_PROJECT,
    ),
  })
  return { instanceId: replicaIds.at(-1) ?? sourceId, operationId: operation.id }
}

/** NAME, or NAME-1 … NAME-n. Fails with `bad_request` when a numbered one is longer than a name may be. */
function namesOf(name: string, count: number): readonly string[] {
  if (count === 1) return [name]
  const names = Array.from({ length: count }, (_, index) => `${name}-${index + 1}`)
  const roomFor = NAME_LENGTH_MAX - `-${count}`.length
  // In characters, as the database counts them.
  if ([...name].length > roomFor)
    throw bad(
      `With replica_count ${count} the name may have ${roomFor} characters, because each replica's number is added to it.`,
    )
  return names
}

function checkRequest(wanted: InstanceCreate, source: InstanceFacts, context: ApiContext): void {
  const { instance } = source
  if (instance.role === 'replica') {
    throw new RedtroveError(
      'forbidden',
      `Cannot create a replica of a replica, ${called(instance)}; name its source.`,
    )
  }
  if (instance.role === 'ejected') {
    throw new RedtroveError(
      'unprocessable',
      `Instance ${called(instance)} was ejected and takes no replicas; name the new source.`,
    )
  }
  refuseUnsupported(wanted)
  refuseUnenforced(wanted, context.settings)
  if (wanted.locality) throw bad('Locality cannot be given with replica_of; replicas have their source’s.')
  refuseOtherThanSource(wanted, source)
  requireServing(source, context)
}

/** Older clients repeat the source's flavor and volume; equal values are welcome, others would be ignored in silence. */
function refuseOtherThanSource(wanted: InstanceCreate, { instance }: InstanceFacts): void {
  if (wanted.flavorRef !== undefined && flavorIdOf(wanted.flavorRef) !== instance.flavorId) {
    throw bad('Cannot specify a flavor with replica_of; a replica has its source’s.')
  }
  const volumeGb = volumeGbOf(wanted)
  if (volumeGb !== undefined && volumeGb !== instance.volumeGb)
    throw bad('Cannot specify a volume with replica_of; a replica has its source’s.')
}

/** The source's version, or a newer one that can read its data: with a promote that is how a set is upgraded. */
async function versionIdOf(
  { datastore: named }: InstanceCreate,
  { instance }: InstanceFacts,
  caller: Caller,
  context: ApiContext,
): Promise<string> {
  if (!named?.type && !named?.version && !named?.version_number) return instance.datastoreVersionId
  const versions = await context.store.catalog.datastoreVersions()
  const own = versions.find(({ id }) => id === instance.datastoreVersionId)
  if (!own) throw bad(`The datastore version of ${called(instance)} is not known any more.`)
  const isOwn =
    (!named.type || named.type === own.datastore || named.type === own.datastoreId) &&
    (!named.version || named.version === own.name || named.version === own.id) &&
    (!named.version_number || named.version_number === own.version)
  if (isOwn) return own.id
  const version = chooseVersion({ ...named, type: named.type ?? own.datastore }, versions, caller)
  const refusal = followRefusal(own, version)
  if (refusal) throw bad(`Cannot specify this datastore with replica_of: ${refusal}.`)
  return version.id
}

function bad(message: string): RedtroveError {
  return new RedtroveError('bad_request', message)
}

/** Only a provider of many hosts can keep the members of a set apart. */
function requireRoomBeside({ instance }: InstanceFacts, { settings }: ApiContext): void {
  if (instance.locality !== 'anti-affinity' || settings.REDTROVE_COMPUTE === 'swarm') return
  throw new RedtroveError(
    'unprocessable',
    `Instance ${called(instance)} has the locality anti-affinity, and the provider ${settings.REDTROVE_COMPUTE} has one host: there is no other one for a replica. With soft-anti-affinity it would be made here.`,
  )
}
