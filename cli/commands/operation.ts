import { type Command, InvalidArgumentError } from 'commander'
import type { Client, Operation } from '../client.js'
import type { Run } from '../command.js'
import { card, show, table } from '../output.js'
import { firstRows } from '../pages.js'
import { allInstances, resolveInstance } from '../resolve.js'
import { NAME_WIDTH, shorten, shortId } from '../short.js'

/** As many as one page of the API has. */
const NEWEST = 20

/** `redtrove operation …` */
export function addOperationCommands(program: Command, run: Run): void {
  const operation = program.command('operation').description('What is being done, and what was done')
  operation
    .command('list')
    .description('List the newest operations, newest first')
    .option('--instance <instance>', 'only those that held this one')
    .option('--limit <number>', 'not more than this many', countOf, NEWEST)
    .option('--all', 'all of them; that may be many pages')
    .action(({ instance, limit, all }: { instance?: string; limit: number; all?: true }) =>
      run(async ({ client, output }) => {
        const path = instance
          ? `/instances/${(await resolveInstance(client, instance)).id}/operations`
          : '/operations'
        const { rows, more } = await firstRows<Operation>(client, path, 'operations', all ? Infinity : limit)
        const names = output.json ? new Map<string, string>() : await namesOf(client)
        show(output, rows, () => operationTable(rows, names))
        if (more) output.note(`There are older ones; --limit or --all shows them.`)
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

function countOf(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0) return count
  throw new InvalidArgumentError('It has to be a whole number from 1 on.')
}

/** Names of instances that live; for a table, which does without them when they cannot be had. */
async function namesOf(client: Client): Promise<ReadonlyMap<string, string>> {
  const all = await allInstances(client).catch(() => [])
  return new Map(all.map(({ id, name }) => [id, name]))
}

function operationTable(operations: readonly Operation[], names: ReadonlyMap<string, string>): string {
  const headings = ['ID', 'Kind', 'State', 'Instance', 'Epoch', 'Created', 'Took']
  return table(
    headings,
    operations.map((it) => [
      it.id,
      it.kind,
      it.state,
      shorten(names.get(it.instance_id), NAME_WIDTH) ?? shortId(it.instance_id),
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
    ['asked by', it.asked_by ?? undefined],
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
