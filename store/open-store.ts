import { catalogStore, quotaStore } from './catalog.js'
import type { Database } from './connect.js'
import { type DatabaseNow, databaseNow } from './database-clock.js'
import { instanceStore } from './instances/instances.js'
import { observationStore } from './observations/observations.js'
import { historyStore } from './operations/history.js'
import { operationStore } from './operations/operations.js'
import { setStore } from './sets.js'
import type { Store } from './store.js'
import { guarded } from './transaction.js'

/** The store over a connected and migrated database; `now` is its clock for all that it stores. `close` ends the connections too. */
export function openStore(db: Database, options: { readonly now?: DatabaseNow } = {}): Store {
  const now = options.now ?? databaseNow
  return {
    instances: instanceStore(db, now),
    sets: setStore(db),
    operations: operationStore(db, now),
    observations: observationStore(db, now),
    catalog: catalogStore(db),
    quotas: quotaStore(db),
    history: historyStore(db, now),
    ping: async () => {
      await guarded(() => db.raw('select 1'))
    },
    close: () => db.destroy(),
  }
}
