import type { Command } from 'commander'
import type { ReplicationSet } from '../client.js'
import type { Run } from '../command.js'
import { bytes, show, table } from '../output.js'
import { resolveInstance } from '../resolve.js'

/** `redtrove replication …` */
export function addReplicationCommands(program: Command, run: Run): void {
  program
    .command('replication')
    .description('Replication sets')
    .command('show <instance>')
    .description('Show the whole set of an instance: desired beside observed')
    .action((name: string) =>
      run(async ({ client, output }) => {
        const { id } = await resolveInstance(client, name)
        const { replication } = await client.get<{ replication: ReplicationSet }>(
          `/instances/${id}/replication`,
        )
        show(output, replication, () => setView(replication))
      }),
    )
}

function setView(set: ReplicationSet): string {
  const headings = [
    'ID',
    'Name',
    'Address',
    'Role',
    'Observed',
    'Follows',
    'Link',
    'Lag',
    'Offset',
    'Last I/O s',
    'Status',
  ]
  const rows = set.members.map((it) => [
    it.id,
    it.name,
    it.address,
    it.role,
    it.observed_role,
    it.following,
    it.link,
    it.lag_bytes === null ? null : bytes(it.lag_bytes),
    it.offset,
    it.last_io_seconds_ago,
    `${it.status} ${it.operating_status}`,
  ])
  const drift = set.drift.length === 0 ? 'none' : set.drift.join('; ')
  return `set ${set.id}   epoch ${set.epoch}   drift: ${drift}\n${table(headings, rows)}`
}
