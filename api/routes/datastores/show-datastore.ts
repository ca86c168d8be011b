import { RedtroveError } from '../../../common/errors.js'
import type { Handler } from '../../http/route.js'
import { datastoreViews } from '../../views/datastore.js'
import { versionsOf } from './find-datastore.js'

/** One datastore by name or id. */
export const showDatastore: Handler<'showDatastore'> = async ({ params }, caller, { store }) => {
  const own = versionsOf(params.datastore, await store.catalog.datastoreVersions(), caller)
  const [datastore] = datastoreViews(own, caller)
  if (!datastore) throw new RedtroveError('not_found', `Datastore ${params.datastore} cannot be found.`)
  return { status: 200, body: { datastore } }
}
