import type { Command } from 'commander'
import type { ReplicationSet } from '../client.js'
import type { Run } from '../command.js'
import { lagOf } from '../instance-view.js'
import { show, table } from '../output.js'
import { resolveInstance } from '../resolve.js'
import { ADDRESS_WIDTH, NAME_WIDTH, shorten } from '../short.js'

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

/** Members by name, in 120 columns; ids and offsets are in `--json`. */
function setView(set: ReplicationSet): string {
  const headings = ['Name', 'Address', 'Role', 'Follows', 'Lag', 'I/O s ago', 'Status', 'Operating']
  const rows = set.members.map((it) => [
    shorten(it.name, NAME_WIDTH),
    shorten(it.address, ADDRESS_WIDTH),
    roleAs(it),
    shorten(nameAt(set, it.following), NAME_WIDTH),
    lagOf(it),
    it.last_io_seconds_ago,
    it.status,
    it.operating_status,
  ])
  const drift = set.drift.length === 0 ? 'none' : set.drift.join('; ')
  return `set ${set.id}   epoch ${set.epoch}   drift: ${drift}\n${table(headings, rows)}`
}

type Member = ReplicationSet['members'][number]

/** What it should be, and what its server says when that is something else. */
function roleAs({ role, observed_role: observed }: Member): string {
  return observed === null || observed === undefined || observed === role ? role : `${role}, is ${observed}`
}

/** The member that has this address (`HOST:PORT`); the address itself when none has. */
function nameAt(set: ReplicationSet, following: string | null): string | null {
  const host = following?.slice(0, following.lastIndexOf(':'))
  return set.members.find(({ address }) => address === host)?.name ?? following
}
