import type { Handler } from '../../http/route.js'
import { datastoreViews } from '../../views/datastore.js'

/** All datastores. */
export const listDatastores: Handler<'listDatastores'> = async (_request, caller, { store }) => ({
  status: 200,
  body: { datastores: datastoreViews(await store.catalog.datastoreVersions(), caller) },
})
