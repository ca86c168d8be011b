import { type Command, InvalidArgumentError } from 'commander'
import { printableJson } from '../../common/printable.js'
import type { Client, Flavor, Instance } from '../client.js'
import type { Run } from '../command.js'
import { CliError, EXIT } from '../exit-codes.js'
import { follow } from '../follow.js'
import { instanceCard } from '../instance-view.js'
import { allInstances, resolveInstance } from '../resolve.js'

const DEFAULT_FLAVOR = '1'
const DEFAULT_SIZE_GB = 1

interface CreateOptions {
  readonly flavor?: string
  /** GB, under the name of its flag. */
  readonly size?: number
  readonly datastore?: string
  readonly datastoreVersion?: string
  readonly replicaOf?: string
  readonly replicaCount?: number
  readonly availabilityZone?: string
  readonly locality?: string
}

/** `redtrove instance create`, with troveclient's flags. */
export function addCreate(instance: Command, run: Run): void {
  instance
    .command('create <name>')
    .description('Create a source, or replicas of one with --replica-of')
    .option(
      '--flavor <flavor>',
      `name or id of the size, ${DEFAULT_FLAVOR} when absent; see: redtrove flavor list`,
    )
    .option('--size <gb>', `volume in GB, ${DEFAULT_SIZE_GB} when absent`, count)
    .option('--datastore <name>', 'redis or valkey')
    .option('--datastore-version <name>', 'version; the default one when absent')
    .option('--replica-of <instance>', 'name or id of the source')
    .option('--replica-count <n>', 'how many replicas', count)
    .option('--availability-zone <name>', 'label redtrove.zone of the nodes to put it on, with swarm')
    .option('--locality <policy>', 'affinity or anti-affinity')
    .action((name: string, options: CreateOptions) =>
      run(async ({ client, output, follow: followOptions }) => {
        const source = options.replicaOf ? await resolveInstance(client, options.replicaOf) : null
        const request = source
          ? await replicaRequest(client, name, source, options)
          : await sourceRequest(client, name, options)
        const { body, operationId } = await client.send<{ instance: Instance }>('POST', '/instances', {
          instance: request,
        })
        const { password } = body.instance
        if (password)
          output.note(`password: ${password}   (shown this once; it is the same on every replica)`)
        await follow(client, operationId, followOptions, output)
        const created = await createdBy(client, body.instance, source)
        // JSON must hold the password too: nobody can ask for it again.
        if (output.json)
          output.print(printableJson(source ? created : { ...created[0], ...(password ? { password } : {}) }))
        else {
          const cards = await Promise.all(created.map((one) => instanceCard(client, one)))
          output.print(cards.join('\n\n'))
        }
      }),
    )
}

function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('must be a whole number above 0.')
  return Number(text)
}

async function sourceRequest(client: Client, name: string, options: CreateOptions) {
  return {
    name,
    flavorRef: await flavorId(client, options.flavor ?? DEFAULT_FLAVOR),
    volume: { size: options.size ?? DEFAULT_SIZE_GB },
    datastore: datastoreOf({ ...options, datastore: options.datastore ?? 'redis' }),
    // The service says why a count needs a source.
    ...(options.replicaCount ? { replica_count: options.replicaCount } : {}),
    ...placeOf(options),
  }
}

/** A replica has all of its source; what is named all the same is sent, so that the service can refuse a difference. */
async function replicaRequest(client: Client, name: string, source: Instance, options: CreateOptions) {
  const { flavor, size: sizeGb, datastore, datastoreVersion } = options
  return {
    name,
    replica_of: source.id,
    replica_count: options.replicaCount ?? 1,
    ...(flavor ? { flavorRef: await flavorId(client, flavor) } : {}),
    ...(sizeGb ? { volume: { size: sizeGb } } : {}),
    ...(datastore || datastoreVersion ? { datastore: datastoreOf(options) } : {}),
    ...placeOf(options),
  }
}

function datastoreOf({ datastore, datastoreVersion }: CreateOptions) {
  return {
    ...(datastore ? { type: datastore } : {}),
    ...(datastoreVersion ? { version: datastoreVersion } : {}),
  }
}

function placeOf({ availabilityZone, locality }: CreateOptions) {
  return {
    ...(availabilityZone ? { availability_zone: availabilityZone } : {}),
    ...(locality ? { locality } : {}),
  }
}

async function flavorId(client: Client, idOrName: string): Promise<string> {
  const { flavors } = await client.get<{ flavors: Flavor[] }>('/flavors')
  const found = flavors.find(({ str_id, name }) => str_id === idOrName || name === idOrName)
  if (found) return found.str_id
  const known = flavors.map(({ str_id, name }) => `${name} (${str_id})`).join(', ')
  throw new CliError(EXIT.notFound, `No flavor has the name or id ${idOrName}; there are ${known}.`)
}

/** All that was created: the answer describes only the last of several replicas. */
async function createdBy(
  client: Client,
  last: Instance,
  source: Instance | null,
): Promise<readonly Instance[]> {
  const detail = async (id: string) => (await client.get<{ instance: Instance }>(`/instances/${id}`)).instance
  if (!source) return [await detail(last.id)]
  const before = new Set(source.replicas?.map(({ id }) => id))
  const added = (await allInstances(client)).filter(
    (it) => it.replica_of?.id === source.id && !before.has(it.id),
  )
  return Promise.all(added.map(({ id }) => detail(id)))
}
