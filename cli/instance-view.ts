import type { Client, Instance, ReplicationSet } from './client.js'
import { bytes, card, table } from './output.js'
import { ADDRESS_WIDTH, NAME_WIDTH, shorten, shortId } from './short.js'

/** Instances as a table that fits 120 columns, with troveclient's columns and ours. */
export function instanceTable(instances: readonly Instance[]): string {
  const headings = ['ID', 'Name', 'Datastore', 'Status', 'Operating', 'Address', 'Role', 'Lag']
  return table(
    headings,
    instances.map((it) => [
      shortId(it.id),
      shorten(it.name, NAME_WIDTH),
      `${it.datastore.type} ${it.datastore.version}`,
      it.status,
      it.operating_status,
      shorten(it.addresses?.[0]?.address, ADDRESS_WIDTH),
      roleOf(it),
      lagOf(it.replication),
    ]),
  )
}

/** How far a replica is behind; the state of its link when that is not up. */
export function lagOf(
  state: { readonly link?: string | null; readonly lag_bytes?: number | null } | null | undefined,
): string | null {
  if (!state?.link) return null
  return state.link === 'up' ? bytes(state.lag_bytes) : `link ${state.link}`
}

/** One instance, with what its agent sees and how to connect to it; asks the service for what the instance itself does not say. */
export async function instanceCard(client: Client, it: Instance): Promise<string> {
  const { replication } = await client.get<{ replication: ReplicationSet }>(`/instances/${it.id}/replication`)
  return cardOf(
    it,
    replication.members.find(({ id }) => id === it.id),
  )
}

function cardOf(it: Instance, health: ReplicationSet['members'][number] | undefined): string {
  const state = it.replication
  const address = it.addresses?.[0]?.address
  return card([
    ['id', it.id],
    ['name', it.name],
    ['status', it.status],
    ['operating status', it.operating_status],
    ['role', roleOf(it)],
    ['replica of', it.replica_of?.id],
    ['replicas', it.replicas?.map(({ id }) => id).join(', ')],
    ['datastore', `${it.datastore.type} ${it.datastore.version_number ?? it.datastore.version}`],
    ['flavor', it.flavor.id],
    ['volume', `${it.volume.size} GB${it.volume.used === undefined ? '' : `, ${it.volume.used} GB used`}`],
    ['address', address],
    ['port', it.port],
    ['link to source', state?.link ?? undefined],
    ['lag', state?.lag_bytes === null || state?.lag_bytes === undefined ? undefined : bytes(state.lag_bytes)],
    ['offset', state?.offset ?? undefined],
    ['memory used', bytes(health?.memory_used_bytes)],
    ['keys', health?.keys],
    ['created', it.created],
    ['updated', it.updated],
    ['operation', it.operation ? `${it.operation.kind} ${it.operation.id}` : undefined],
    ['fault', it.fault?.message],
    ['connect with', address ? connectLine(address, it.port ?? 6379) : undefined],
  ])
}

/** A line to paste; the password is asked for, so that it reaches no history and no process list. */
export function connectLine(address: string, port: number): string {
  return `redis-cli -h ${address} -p ${port} --askpass`
}

function roleOf(it: Instance): string {
  if (it.replica_of) return 'replica'
  if (it.replicas) return 'primary'
  return it.replication?.role === 'ejected' ? 'ejected' : ''
}
