import { RedtroveError } from '../common/errors.js'
import type { Topology } from '../domain/replication/topology.js'
import type { Database } from './connect.js'
import { type SetRow, setFromRow } from './rows.js'
import type { SetStore } from './store.js'
import { guarded } from './transaction.js'

/** Reads replication sets. */
export function setStore(db: Database): SetStore {
  return {
    find: async (id) => {
      const row: SetRow | undefined = await guarded(() => db('replication_sets').where({ id }).first())
      if (!row) throw new RedtroveError('not_found', `Replication set ${id} cannot be found.`)
      return setFromRow(row)
    },
    topologyOf: (id) => guarded(() => topologyOf(db, id)),
  }
}

/** Who leads and who follows among the living members; an ejected instance is neither. */
export async function topologyOf(db: Database, setId: string): Promise<Topology> {
  const rows: { id: string; role: string }[] = await db('instances')
    .where({ set_id: setId })
    .whereNull('deleted_at_ms')
    .orderBy('id')
    .select('id', 'role')
  return {
    source: rows.find((row) => row.role === 'source')?.id ?? null,
    replicas: rows.filter((row) => row.role === 'replica').map((row) => row.id),
  }
}
