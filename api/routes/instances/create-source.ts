import { randomUUID } from 'node:crypto'
import { RedtroveError } from '../../../common/errors.js'
import { generatePassword } from '../../../common/secrets/password.js'
import { flavorOf } from '../../../domain/instance/flavor.js'
import { sealCredentials } from '../../../store/sealed-credentials.js'
import { type ApiContext, askedBy, type Caller } from '../../context.js'
import { chooseVersion } from '../datastores/find-datastore.js'
import { flavorIdOf, type InstanceCreate, refuseUnsupported, volumeGbOf } from './create-request.js'
import { refuseUnenforced } from './refuse-unenforced.js'

/** What a create call answers with. */
export interface Created {
  readonly instanceId: string
  readonly operationId: string
  /** The application password of a new source; shown this once. */
  readonly password?: string
}

/** A stand-alone instance: a set of one with accounts of its own. */
export async function createSource(
  wanted: InstanceCreate,
  caller: Caller,
  context: ApiContext,
): Promise<Created> {
  if ((wanted.replica_count ?? 1) > 1) throw bad('replica_count above 1 needs replica_of.')
  refuseUnsupported(wanted)
  refuseUnenforced(wanted, context.settings)
  const flavorId = requireFlavor(wanted)
  const volumeGb = requireVolume(wanted, context)
  const version = chooseVersion(
    { ...wanted.datastore, type: wanted.datastore?.type ?? 'redis' },
    await context.store.catalog.datastoreVersions(),
    caller,
  )
  const password = generatePassword()
  const [instanceId, setId] = [randomUUID(), randomUUID()]
  const operation = await context.openOperation({
    kind: 'create_instance',
    projectId: caller.projectId,
    instanceId,
    setId,
    request: {},
    ...askedBy(caller),
    newSet: {
      id: setId,
      projectId: caller.projectId,
      sealedCredentials: sealCredentials(context.keyRing, {
        application: [password],
        replication: generatePassword(),
      }),
    },
    newInstances: [
      {
        id: instanceId,
        projectId: caller.projectId,
        name: wanted.name,
        setId,
        role: 'source',
        flavorId,
        volumeGb,
        datastoreVersionId: version.id,
        availabilityZone: wanted.availability_zone || null,
        locality: wanted.locality ?? null,
      },
    ],
    instanceQuota: await context.store.quotas.limit(
      caller.projectId,
      'instances',
      context.settings.REDTROVE_MAX_INSTANCES_PER_PROJECT,
    ),
  })
  return { instanceId, operationId: operation.id, password }
}

function requireFlavor(wanted: InstanceCreate): string {
  if (wanted.flavorRef === undefined) throw bad('flavorRef is needed; the flavors are listed at /flavors.')
  const id = flavorIdOf(wanted.flavorRef)
  // 400 and not 404, as Trove answers an unknown flavor in a create.
  if (!flavorOf(id)) throw bad(`Flavor ${id} cannot be found; the flavors are listed at /flavors.`)
  return id
}

function requireVolume(wanted: InstanceCreate, { settings }: ApiContext): number {
  const volumeGb = volumeGbOf(wanted)
  if (volumeGb === undefined) throw bad('Volume size was not specified.')
  const max = settings.REDTROVE_VOLUME_GB_MAX
  if (volumeGb > max)
    throw new RedtroveError(
      'over_quota',
      `Volume size ${volumeGb} GB is larger than the ${max} GB that are allowed.`,
    )
  return volumeGb
}

function bad(message: string): RedtroveError {
  return new RedtroveError('bad_request', message)
}
