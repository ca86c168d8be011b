import type { DatastoreVersion } from '../common/db/store.js'
import { RedtroveError } from '../common/errors.js'
import type { Caller } from './context.js'
import { visible } from './views/datastore.js'

/** Versions of the datastore of this name or id. Fails with `not_found`. */
export function versionsOf(
  datastore: string,
  versions: readonly DatastoreVersion[],
  caller: Caller,
): readonly DatastoreVersion[] {
  const own = visible(versions, caller).filter(
    (one) => one.datastore === datastore || one.datastoreId === datastore,
  )
  if (own.length === 0) throw new RedtroveError('not_found', `Datastore ${datastore} cannot be found.`)
  return own
}
