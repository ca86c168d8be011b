import type { Command } from 'commander'
import type { components } from '../../wire/http/openapi.js'
import type { Run } from '../command.js'
import { show, table } from '../output.js'

type Schemas = components['schemas']

/** `redtrove flavor|datastore|limit|quota …` */
export function addCatalogCommands(program: Command, run: Run): void {
  list(
    program,
    'flavor',
    'Sizes an instance may have',
    run,
    '/flavors',
    ({ flavors }: { flavors: Schemas['Flavor'][] }) => ({
      data: flavors,
      text: table(
        ['ID', 'Name', 'RAM MB', 'Data MB', 'vCPUs', 'Disk GB'],
        flavors.map((it) => [it.str_id, it.name, it.ram, it.data_mb, it.vcpus, it.disk]),
      ),
    }),
  )
  list(
    program,
    'datastore',
    'What can be created',
    run,
    '/datastores',
    ({ datastores }: { datastores: Schemas['Datastore'][] }) => ({
      data: datastores,
      text: table(
        ['ID', 'Name', 'Versions'],
        datastores.map((it) => [
          it.id,
          it.name,
          it.versions.map(({ name, version }) => `${name} (${version})`).join(', '),
        ]),
      ),
    }),
  )
  list(
    program,
    'limit',
    'Limits of the project',
    run,
    '/limits',
    ({ limits }: { limits: Schemas['Limit'][] }) => ({
      data: limits,
      text: table(
        ['Verb', 'Value', 'Remaining', 'Unit', 'Instances'],
        limits.map((it) => [it.verb, it.value, it.remaining, it.unit, it.max_instances]),
      ),
    }),
  )
  program
    .command('quota')
    .description('Quotas')
    .command('show')
    .description("Show the project's quotas")
    .action(() =>
      run(async ({ client, output }) => {
        const { quotas } = await client.get<{ quotas: Schemas['Quota'][] }>(
          `/mgmt/quotas/${encodeURIComponent(client.project)}`,
        )
        show(output, quotas, () =>
          table(
            ['Resource', 'In use', 'Limit'],
            quotas.map((it) => [it.resource, it.in_use, it.limit]),
          ),
        )
      }),
    )
}

function list<T>(
  program: Command,
  noun: string,
  description: string,
  run: Run,
  path: string,
  view: (body: T) => { data: unknown; text: string },
): void {
  program
    .command(noun)
    .description(description)
    .command('list')
    .description(description)
    .action(() =>
      run(async ({ client, output }) => {
        const { data, text } = view(await client.get<T>(path))
        show(output, data, () => text)
      }),
    )
}
