import type { Command } from 'commander'
import { printableJson } from '../../common/printable.js'
import type { Instance } from '../client.js'
import type { CommandContext, Run } from '../command.js'
import { CliError } from '../exit-codes.js'
import { follow } from '../follow.js'
import { instanceCard, instanceTable } from '../instance-view.js'
import { show } from '../output.js'
import { allInstances, resolveInstance } from '../resolve.js'
import { addCreate } from './instance-create.js'

const ACTIONS = [
  [
    'promote',
    'promote_to_replica_source',
    'Make a replica the source of its set; no acknowledged write is lost',
  ],
] as const

/** `redtrove instance …` */
export function addInstanceCommands(program: Command, run: Run): void {
  const instance = program.command('instance').description('Redis servers and their replicas')
  instance
    .command('list')
    .description('List the instances of the project')
    .action(() =>
      run(async ({ client, output }) => {
        const instances = await allInstances(client)
        show(output, instances, () => instanceTable(instances))
      }),
    )
  instance
    .command('show <instance>')
    .description('Show one instance and how to connect to it')
    .action((name: string) =>
      run(async ({ client, output }) => {
        const found = await resolveInstance(client, name)
        output.print(output.json ? printableJson(found) : await instanceCard(client, found))
      }),
    )
  addCreate(instance, run)
  for (const [command, action, description] of ACTIONS) {
    instance
      .command(`${command} <instance>`)
      .description(description)
      .action((name: string) => run((context) => act(context, name, action, {})))
  }
  instance
    .command('restart <instance>')
    .description('Restart the server of an instance; also tries again with one that is in ERROR')
    .option('--accept-older-data', 'start with an older state when the data cannot be loaded')
    .action((name: string, { acceptOlderData }: { acceptOlderData?: boolean }) =>
      run((context) => act(context, name, 'restart', acceptOlderData ? { accept_older_data: true } : {})),
    )
  instance
    .command('eject <instance>')
    .description('Replace a dead source by its most current replica; the old one is fenced')
    .option('--force', 'eject although it looks healthy')
    .action((name: string, { force }: { force?: boolean }) =>
      run((context) => act(context, name, 'eject_replica_source', force ? { force: true } : {})),
    )
  instance
    .command('reset-status <instance>')
    .description('Clear the fault of an instance (admins)')
    .action((name: string) => run((context) => act(context, name, 'reset_status', {})))
  addChanges(instance, run)
}

async function act(
  { client, output, follow: options }: CommandContext,
  name: string,
  action: string,
  body: object,
) {
  const { id } = await resolveInstance(client, name)
  const { operationId } = await client.send('POST', `/instances/${id}/action`, { [action]: body })
  const operation = await follow(client, operationId, options, output)
  if (output.json) output.print(printableJson(operation ?? { operation_id: operationId }))
}

function addChanges(instance: Command, run: Run): void {
  instance
    .command('detach <instance>')
    .description('Make a replica an instance of its own')
    .action((name: string) => run((context) => change(context, name, { replica_of: null })))
  instance
    .command('rename <instance> <name>')
    .description('Give an instance another name')
    .action((name: string, wanted: string) => run((context) => change(context, name, { name: wanted })))
  instance
    .command('delete <instance...>')
    .description('Delete instances and their data; goes on with the rest when one is refused')
    .action((names: string[]) =>
      run(async (context) => {
        const removed: unknown[] = []
        const failures: CliError[] = []
        for (const name of names) {
          try {
            removed.push(await remove(context, name))
          } catch (error) {
            if (!(error instanceof CliError)) throw error
            failures.push(error)
          }
        }
        if (context.output.json) context.output.print(printableJson(removed))
        const [first, ...others] = failures
        for (const { message } of others) context.output.note(`redtrove: ${message}`)
        if (first) throw first
      }),
    )
}

/** The operation as it ended, or its id when nobody waits. */
async function remove({ client, output, follow: options }: CommandContext, name: string): Promise<unknown> {
  const { id } = await resolveInstance(client, name)
  const { operationId } = await client.send('DELETE', `/instances/${id}`)
  return (await follow(client, operationId, options, output)) ?? { operation_id: operationId }
}

async function change({ client, output, follow: options }: CommandContext, name: string, update: object) {
  const { id } = await resolveInstance(client, name)
  const { operationId } = await client.send('PUT', `/instances/${id}`, { instance: update })
  const operation = await follow(client, operationId, options, output)
  const { instance } = await client.get<{ instance: Instance }>(`/instances/${id}`)
  if (output.json) output.print(printableJson(instance))
  else if (operation || operationId === null) output.print(await instanceCard(client, instance))
}
