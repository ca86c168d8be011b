import { type Clock, systemClock } from '../clock.js'
import { catalogStore, quotaStore } from './catalog.js'
import type { Database } from './connect.js'
import { instanceStore } from './instances.js'
import { observationStore } from './observations.js'
import { operationStore } from './operations.js'
import { setStore } from './sets.js'
import type { Store } from './store.js'
import { guarded } from './transaction.js'

/** The store over a connected and migrated database. `close` ends the connections too. */
export function openStore(db: Database, options: { readonly clock?: Clock } = {}): Store {
  const clock = options.clock ?? systemClock
  return {
    instances: instanceStore(db, clock),
    sets: setStore(db),
    operations: operationStore(db, clock),
    observations: observationStore(db),
    catalog: catalogStore(db),
    quotas: quotaStore(db),
    ping: async () => {
      await guarded(() => db.raw('select 1'))
    },
    close: () => db.destroy(),
  }
}
