import { RedtroveError } from '../../../common/errors.js'
import type { DatastoreVersion } from '../../../store/store.js'
import type { Caller } from '../../context.js'
import { visible } from '../../views/datastore.js'
import type { InstanceCreate } from '../instances/create-request.js'

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

/** The version that a request names, by Trove's rules: unknown datastore 404; unknown or inactive version 400; none named, the default. */
export function chooseVersion(
  {
    type,
    version,
    version_number: number,
  }: NonNullable<InstanceCreate['datastore']> & { readonly type: string },
  versions: readonly DatastoreVersion[],
  caller: Caller,
): DatastoreVersion {
  const own = versionsOf(type, versions, caller)
  if (!version && !number) {
    const byDefault = own.find(({ isDefault }) => isDefault)
    if (!byDefault) throw bad('The datastore has no default version; name one.')
    return byDefault
  }
  const found = own.find(
    (one) => (!version || one.name === version || one.id === version) && (!number || one.version === number),
  )
  if (!found) throw bad(`Datastore version ${version ?? number} cannot be found.`)
  if (!found.active) throw bad(`Datastore version ${found.name} is not active.`)
  return found
}

function bad(message: string): RedtroveError {
  return new RedtroveError('bad_request', message)
}
