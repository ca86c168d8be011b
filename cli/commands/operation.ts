import type { Command } from 'commander'
import type { Operation } from '../client.js'
import type { Run } from '../command.js'
import { card, show, table } from '../output.js'
import { allPages, resolveInstance } from '../resolve.js'

/** `redtrove operation …` */
export function addOperationCommands(program: Command, run: Run): void {
  const operation = program.command('operation').description('What is being done, and what was done')
  operation
    .command('list')
    .description('List operations, newest first')
    .option('--instance <instance>', 'only those that held this one')
    .action(({ instance }: { instance?: string }) =>
      run(async ({ client, output }) => {
        const path = instance
          ? `/instances/${(await resolveInstance(client, instance)).id}/operations`
          : '/operations'
        const all = [...(await allPages<Operation>(client, path, 'operations'))].sort((a, b) =>
          b.created.localeCompare(a.created),
        )
        show(output, all, () => operationTable(all))
      }),
    )
  operation
    .command('show <operation>')
    .description('Show one operation with its steps')
    .action((id: string) =>
      run(async ({ client, output }) => {
        const found = (await client.get<{ operation: Operation }>(`/operations/${encodeURIComponent(id)}`))
          .operation
        show(output, found, () => operationCard(found))
      }),
    )
}

function operationTable(operations: readonly Operation[]): string {
  const headings = ['ID', 'Kind', 'State', 'Instance', 'Epoch', 'Created', 'Took']
  return table(
    headings,
    operations.map((it) => [
      it.id,
      it.kind,
      it.state,
      it.instance_id,
      it.epoch,
      it.created,
      took(it.duration_ms),
    ]),
  )
}

function operationCard(it: Operation): string {
  const head = card([
    ['id', it.id],
    ['kind', it.kind],
    ['state', it.state],
    ['instance', it.instance_id],
    ['members', it.members.join(', ')],
    ['epoch', it.epoch],
    ['created', it.created],
    ['ended', it.ended],
    ['took', took(it.duration_ms)],
    ['fault', it.fault ?? undefined],
    ['result', it.result ? JSON.stringify(it.result) : undefined],
  ])
  const steps = (it.steps ?? []).map((step) => [step.name, step.state, took(step.duration_ms), step.detail])
  return `${head}\n${table(['Step', 'State', 'Took', 'Detail'], steps)}`
}

function took(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : `${ms} ms`
}
