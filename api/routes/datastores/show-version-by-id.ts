import { RedtroveError } from '../../../common/errors.js'
import type { Handler } from '../../http/route.js'
import { versionView, visible } from '../../views/datastore.js'

/** One version by its id alone. */
export const showVersionById: Handler<'showVersionById'> = async ({ params }, caller, { store }) => {
  const versions = visible(await store.catalog.datastoreVersions(), caller)
  const version = versions.find(({ id }) => id === params.version)
  if (!version) throw new RedtroveError('not_found', `Datastore version ${params.version} cannot be found.`)
  return { status: 200, body: { version: versionView(version, caller) } }
}
