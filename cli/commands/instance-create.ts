import type { Command } from 'commander'
import type { Client, Instance } from '../client.js'
import type { Run } from '../command.js'
import { follow } from '../follow.js'
import { instanceCard } from '../instance-view.js'
import { allInstances, resolveInstance } from '../resolve.js'

interface CreateOptions {
  readonly flavor: string
  readonly size: string
  readonly datastore: string
  readonly datastoreVersion?: string
  readonly replicaOf?: string
  readonly replicaCount: string
  readonly availabilityZone?: string
  readonly locality?: string
}

/** `redtrove instance create`, with troveclient's flags. */
export function addCreate(instance: Command, run: Run): void {
  instance
    .command('create <name>')
    .description('Create a source, or replicas of one with --replica-of')
    .option('--flavor <id>', 'size of the instance; see: redtrove flavor list', '1')
    .option('--size <gb>', 'volume in GB', '1')
    .option('--datastore <name>', 'redis or valkey', 'redis')
    .option('--datastore-version <name>', 'version; the default one when absent')
    .option('--replica-of <instance>', 'name or id of the source')
    .option('--replica-count <n>', 'how many replicas', '1')
    .option('--availability-zone <name>')
    .option('--locality <policy>', 'affinity or anti-affinity')
    .action((name: string, options: CreateOptions) =>
      run(async ({ client, output, follow: followOptions }) => {
        const source = options.replicaOf ? await resolveInstance(client, options.replicaOf) : null
        const request = source ? replicaRequest(name, source, options) : sourceRequest(name, options)
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
          output.print(
            JSON.stringify(source ? created : { ...created[0], ...(password ? { password } : {}) }, null, 2),
          )
        else output.print(created.map(instanceCard).join('\n\n'))
      }),
    )
}

function sourceRequest(name: string, options: CreateOptions) {
  return {
    name,
    flavorRef: options.flavor,
    volume: { size: Number(options.size) },
    datastore: {
      type: options.datastore,
      ...(options.datastoreVersion ? { version: options.datastoreVersion } : {}),
    },
    ...(options.availabilityZone ? { availability_zone: options.availabilityZone } : {}),
    ...(options.locality ? { locality: options.locality } : {}),
  }
}

function replicaRequest(name: string, source: Instance, options: CreateOptions) {
  return {
    name,
    replica_of: source.id,
    replica_count: Number(options.replicaCount),
    ...(options.availabilityZone ? { availability_zone: options.availabilityZone } : {}),
  }
}

/** All that was created: the answer describes only the last of several replicas. */
async function createdBy(
  client: Client,
  last: Instance,
  source: Instance | null,
): Promise<readonly Instance[]> {
  if (!source) return [(await client.get<{ instance: Instance }>(`/instances/${last.id}`)).instance]
  const before = new Set(source.replicas?.map(({ id }) => id))
  return (await allInstances(client)).filter((it) => it.replica_of?.id === source.id && !before.has(it.id))
}
