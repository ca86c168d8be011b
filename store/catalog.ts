import { createHash } from 'node:crypto'
import type { DatastoreOffer } from '../domain/datastore/offer.js'
import { compareVersions } from '../domain/datastore/version.js'
import type { Database } from './connect.js'
import { gathered } from './gathered.js'
import { type DatastoreVersionRow, datastoreVersionFromRow } from './rows.js'
import type { CatalogStore, QuotaStore } from './store.js'
import { guarded, writeTransaction } from './transaction.js'

/** Datastores and versions that can be created. */
export function catalogStore(db: Database): CatalogStore {
  // Every answer about an instance names its version: requests of one moment share one look.
  const readAll = gathered<null, readonly DatastoreVersionRow[]>(async (asked) => {
    const rows: DatastoreVersionRow[] = await guarded(() =>
      db('datastore_versions').orderBy(['datastore', 'name']),
    )
    return asked.map(() => rows)
  })
  return {
    datastoreVersions: async () => {
      const rows = await readAll(null)
      const defaults = new Map<string, DatastoreVersionRow>()
      for (const row of rows) {
        const best = defaults.get(row.datastore_id)
        if (row.active && (!best || compareVersions(row.version, best.version) > 0))
          defaults.set(row.datastore_id, row)
      }
      return rows.map((row) => datastoreVersionFromRow(row, defaults.get(row.datastore_id)?.id ?? null))
    },
    offer: (versions) =>
      writeTransaction(db, async (trx) => {
        await trx('datastore_versions').update({ active: false })
        for (const offer of versions)
          await trx('datastore_versions').insert(rowOf(offer)).onConflict('id').merge()
      }),
  }
}

/** Limits a project was given by an admin. */
export function quotaStore(db: Database): QuotaStore {
  return {
    limit: async (projectId, resource, fallback) => {
      const row: { hard_limit: number } | undefined = await guarded(() =>
        db('quotas').where({ project_id: projectId, resource }).first('hard_limit'),
      )
      return row?.hard_limit ?? fallback
    },
  }
}

function rowOf(offer: DatastoreOffer): DatastoreVersionRow {
  return {
    id: stableUuid(`version:${offer.datastore}:${offer.name}`),
    datastore_id: stableUuid(`datastore:${offer.datastore}`),
    datastore: offer.datastore,
    name: offer.name,
    version: offer.version,
    active: true,
  }
}

/** A version-8 UUID made of a name, the same on every control plane, so that scripts may keep it. */
function stableUuid(name: string): string {
  const hex = createHash('sha256').update(`redtrove:${name}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
