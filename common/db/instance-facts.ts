import type { Knex } from 'knex'
import type { OperationKind } from '../domain/operation.js'
import type { Database } from './connect.js'
import { type InstanceRow, instanceFromRow, type ObservationRow, observationFromRow } from './rows.js'
import type { InstanceFacts } from './store.js'

interface JoinedRow extends InstanceRow {
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

/**
 * Living instances with all that is known of them, in two queries whatever their number: one join, and the replicas of the
 * sources among them. `narrow` adds conditions and order on `i`.
 */
export async function instanceFacts(
  db: Database | Knex.Transaction,
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
      'i.*',
      'ob.boot_id as observed_boot_id',
      'ob.seq as observed_seq',
      'ob.received_at_ms as observed_at_ms',
      'ob.observation as observed',
      'op.kind as operation_kind',
      'op.instance_id as operation_instance_id',
      'src.id as source_id',
      'src.host as source_host',
      'src.port as source_port',
      'sob.boot_id as source_boot_id',
      'sob.seq as source_seq',
      'sob.received_at_ms as source_at_ms',
      'sob.observation as source_observed',
    )
  const rows: JoinedRow[] = await narrow(query)
  const replicas = await replicasBySet(db, rows)
  return rows.map((row) => factsFromRow(row, replicas))
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
    stored: storedFrom(row.id, row.observed_boot_id, row.observed_seq, row.observed_at_ms, row.observed),
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
): InstanceFacts['stored'] {
  if (id === null || boot === null || seq === null || atMs === null || observation === null) return null
  const row: ObservationRow = { instance_id: id, boot_id: boot, seq, received_at_ms: atMs, observation }
  return observationFromRow(row)
}
