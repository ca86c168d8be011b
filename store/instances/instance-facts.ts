import type { Knex } from 'knex'
import type { OperationKind } from '../../domain/operation/kinds/index.js'
import { type Database, isSqlite } from '../connect.js'
import type { DatabaseNow } from '../database-clock.js'
import { type InstanceRow, instanceFromRow, type ObservationRow, observationFromRow } from '../rows.js'
import type { InstanceFacts } from '../store.js'

interface JoinedRow extends InstanceRow {
  now_ms: number
  observed_boot_id: string | null
  observed_seq: number | null
  observed_at_ms: number | null
  observed: string | null
  operation_kind: OperationKind | null
  operation_instance_id: string | null
  source_id: string | null
  source_host: string | null
  source_port: number | null
  source_boot_id: string | null
  source_seq: number | null
  source_at_ms: number | null
  source_observed: string | null
}

/** Where each value of a row comes from. */
const COLUMNS: Readonly<Record<Exclude<keyof JoinedRow, 'now_ms'>, string>> = {
  id: 'i.id',
  project_id: 'i.project_id',
  name: 'i.name',
  set_id: 'i.set_id',
  role: 'i.role',
  flavor_id: 'i.flavor_id',
  volume_gb: 'i.volume_gb',
  datastore_version_id: 'i.datastore_version_id',
  availability_zone: 'i.availability_zone',
  locality: 'i.locality',
  host: 'i.host',
  port: 'i.port',
  fault_message: 'i.fault_message',
  fault_created_at_ms: 'i.fault_created_at_ms',
  fault_details: 'i.fault_details',
  operation_id: 'i.operation_id',
  created_at_ms: 'i.created_at_ms',
  updated_at_ms: 'i.updated_at_ms',
  deleted_at_ms: 'i.deleted_at_ms',
  observed_boot_id: 'ob.boot_id',
  observed_seq: 'ob.seq',
  observed_at_ms: 'ob.received_at_ms',
  observed: 'ob.observation',
  operation_kind: 'op.kind',
  operation_instance_id: 'op.instance_id',
  source_id: 'src.id',
  source_host: 'src.host',
  source_port: 'src.port',
  source_boot_id: 'sob.boot_id',
  source_seq: 'sob.seq',
  source_at_ms: 'sob.received_at_ms',
  source_observed: 'sob.observation',
}
const NAMES = [...Object.keys(COLUMNS), 'now_ms']

/**
 * Living instances with all that is known of them, in two queries whatever their number: one join, and the replicas of the
 * sources among them. Ages of reports are as of the statement. `narrow` adds conditions and order on `i`.
 */
export async function instanceFacts(
  db: Database | Knex.Transaction,
  now: DatabaseNow,
  narrow: (query: Knex.QueryBuilder) => Knex.QueryBuilder,
): Promise<readonly InstanceFacts[]> {
  const query = db('instances as i')
    .leftJoin('observations as ob', 'ob.instance_id', 'i.id')
    .leftJoin('operations as op', 'op.id', 'i.operation_id')
    .leftJoin('instances as src', (join) => {
      join.on('src.set_id', 'i.set_id').andOnVal('src.role', 'source').andOnNull('src.deleted_at_ms')
    })
    .leftJoin('observations as sob', 'sob.instance_id', 'src.id')
    .whereNull('i.deleted_at_ms')
    .select(
      db.raw(
        `${isSqlite(db) ? 'json_array' : 'json_build_array'}(${Object.values(COLUMNS).join(', ')}, ?) as packed`,
        [now(db)],
      ),
    )
  const found: { packed: string | readonly unknown[] }[] = await narrow(query)
  const rows = found.map(({ packed }) => unpacked(packed))
  const replicas = await replicasBySet(db, rows)
  return rows.map((row) => factsFromRow(row, replicas))
}

/**
 * A row comes as one JSON array: SQLite's driver makes an object of every value in two threads, which for the 32 of a row took
 * twice as long as reading them (docs/performance.md).
 */
function unpacked(packed: string | readonly unknown[]): JoinedRow {
  // PostgreSQL's driver parses JSON by itself.
  const values: readonly unknown[] = typeof packed === 'string' ? JSON.parse(packed) : packed
  const row: Record<string, unknown> = {}
  for (const [index, name] of NAMES.entries()) row[name] = values[index]
  // The names and the values are from one list.
  return row as unknown as JoinedRow
}

async function replicasBySet(
  db: Database | Knex.Transaction,
  rows: readonly JoinedRow[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const setIds = [...new Set(rows.filter((row) => row.role === 'source').map((row) => row.set_id))]
  const bySet = new Map<string, string[]>()
  // SQLite allows about 32,000 parameters a statement; the sweeper may ask for more sets than that.
  for (let from = 0; from < setIds.length; from += 5_000) {
    const found: { id: string; set_id: string }[] = await db('instances')
      .whereIn('set_id', setIds.slice(from, from + 5_000))
      .where({ role: 'replica' })
      .whereNull('deleted_at_ms')
      .orderBy('id')
      .select('id', 'set_id')
    for (const { id, set_id } of found) bySet.set(set_id, [...(bySet.get(set_id) ?? []), id])
  }
  return bySet
}

function factsFromRow(row: JoinedRow, replicas: ReadonlyMap<string, readonly string[]>): InstanceFacts {
  return {
    instance: instanceFromRow(row),
    stored: storedFrom(
      row.id,
      row.observed_boot_id,
      row.observed_seq,
      row.observed_at_ms,
      row.observed,
      row.now_ms,
    ),
    operation:
      row.operation_id !== null && row.operation_kind !== null
        ? { id: row.operation_id, kind: row.operation_kind, isSubject: row.operation_instance_id === row.id }
        : null,
    sourceId: row.source_id,
    sourceEndpoint:
      row.source_host !== null && row.source_port !== null
        ? { host: row.source_host, port: row.source_port }
        : null,
    sourceStored: storedFrom(
      row.source_id,
      row.source_boot_id,
      row.source_seq,
      row.source_at_ms,
      row.source_observed,
      row.now_ms,
    ),
    replicaIds: row.role === 'source' ? (replicas.get(row.set_id) ?? []) : [],
  }
}

function storedFrom(
  id: string | null,
  boot: string | null,
  seq: number | null,
  atMs: number | null,
  observation: string | null,
  nowMs: number,
): InstanceFacts['stored'] {
  if (id === null || boot === null || seq === null || atMs === null || observation === null) return null
  const row: ObservationRow = { instance_id: id, boot_id: boot, seq, received_at_ms: atMs, observation }
  return observationFromRow(row, nowMs)
}
