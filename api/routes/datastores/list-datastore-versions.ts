import type { Handler } from '../../http/route.js'
import { versionView } from '../../views/datastore.js'
import { versionsOf } from './find-datastore.js'

/** Versions of one datastore. */
export const listDatastoreVersions: Handler<'listDatastoreVersions'> = async (
  { params },
  caller,
  { store },
) => {
  const own = versionsOf(params.datastore, await store.catalog.datastoreVersions(), caller)
  return { status: 200, body: { versions: own.map((version) => versionView(version, caller)) } }
}
