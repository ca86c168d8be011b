import { RedtroveError } from '../../../common/errors.js'
import type { Handler } from '../../http/route.js'
import { versionView } from '../../views/datastore.js'
import { versionsOf } from './find-datastore.js'

/** One version of a datastore by name or id. */
export const showDatastoreVersion: Handler<'showDatastoreVersion'> = async (
  { params },
  caller,
  { store },
) => {
  const own = versionsOf(params.datastore, await store.catalog.datastoreVersions(), caller)
  const version = own.find(({ id, name }) => id === params.version || name === params.version)
  if (!version) throw new RedtroveError('not_found', `Datastore version ${params.version} cannot be found.`)
  return { status: 200, body: { version: versionView(version, caller) } }
}
