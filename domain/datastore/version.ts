import type { DatastoreOffer } from './offer.js'
/* Which server may follow which. Pure. */

/** Of a version: what it is and its major.minor. */
export type ServerKind = Pick<DatastoreOffer, 'datastore' | 'name'>

/** Valkey began as this Redis and reads what it and older ones write. */
const LAST_COMMON = '7.2'

/**
 * Null when a server of `replica`'s version can take a full synchronisation from one of `source`'s version, else why not. The file that
 * is sent has the source's format: a newer server reads older ones, an older one ends the link ("Can't handle RDB format version").
 */
export function followRefusal(source: ServerKind, replica: ServerKind): string | null {
  const [from, to] = [wordsOf(source), wordsOf(replica)]
  if (source.datastore === replica.datastore)
    return compareVersions(replica.name, source.name) >= 0
      ? null
      : `${to} is older than ${from} and cannot read its data`
  if (source.datastore === 'redis' && compareVersions(source.name, LAST_COMMON) <= 0) return null
  return `${to} cannot read the data of ${from}`
}

/** Below 0 when `one` is older than `other`; numbers are compared as numbers. */
export function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true })
}

function wordsOf({ datastore, name }: ServerKind): string {
  return `${datastore} ${name}`
}
