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
    stored: storedFrom(row),
    operation:
      row.operation_id !== null && row.operation_kind !== null
        ? { id: row.operation_id, kind: row.operation_kind, isSubject: row.operation_instance_id === row.id }
        : null,
    sourceId: row.source_id,
    replicaIds: row.role === 'source' ? (replicas.get(row.set_id) ?? []) : [],
  }
}

function storedFrom(row: JoinedRow): InstanceFacts['stored'] {
  const { observed, observed_boot_id: boot, observed_seq: seq, observed_at_ms: at } = row
  if (observed === null || boot === null || seq === null || at === null) return null
  const stored: ObservationRow = {
    instance_id: row.id,
    boot_id: boot,
    seq,
    received_at_ms: at,
    observation: observed,
  }
  return observationFromRow(stored)
}
