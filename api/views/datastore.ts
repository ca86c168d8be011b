import type { DatastoreVersion } from '../../store/store.js'
import type { components } from '../../wire/http/openapi.js'
import type { Caller } from '../context.js'
import { linksOf } from './links.js'

type DatastoreView = components['schemas']['Datastore']
type VersionView = components['schemas']['DatastoreVersion']

/** Datastores made of their versions; others than admins see active ones only. */
export function datastoreViews(versions: readonly DatastoreVersion[], caller: Caller): DatastoreView[] {
  const byId = new Map<string, DatastoreVersion[]>()
  for (const version of visible(versions, caller))
    byId.set(version.datastoreId, [...(byId.get(version.datastoreId) ?? []), version])
  return [...byId.entries()].map(([id, own]) => {
    const defaultVersion = own.find(({ isDefault }) => isDefault)
    return {
      id,
      name: own[0]?.datastore ?? '',
      links: linksOf(caller, 'datastores', id),
      versions: own.map((version) => versionView(version, caller)),
      ...(defaultVersion ? { default_version: defaultVersion.id } : {}),
    }
  })
}

/** One version. */
export function versionView(version: DatastoreVersion, caller: Caller): VersionView {
  return {
    id: version.id,
    name: version.name,
    version: version.version,
    datastore: version.datastoreId,
    links: linksOf(caller, 'datastores/versions', version.id),
    ...(caller.isAdmin ? { active: version.active } : {}),
  }
}

/** Versions that this caller may know of. */
export function visible(versions: readonly DatastoreVersion[], caller: Caller): readonly DatastoreVersion[] {
  return caller.isAdmin ? versions : versions.filter(({ active }) => active)
}
