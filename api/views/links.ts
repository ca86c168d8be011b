import type { components } from '../../wire/http/openapi.js'
import type { Caller } from '../context.js'

type Links = components['schemas']['Links']
type Reference = components['schemas']['Reference']

/** Who is told a link: the scheme and the host are those of the request, so that whoever follows the link comes back here. */
type Linked = Pick<Caller, 'protocol' | 'host' | 'projectId'>

/** `self` and `bookmark` of one object. */
export function linksOf(caller: Linked, collection: string, id: string): Links {
  return [
    { rel: 'self', href: `${caller.protocol}://${caller.host}/v1.0/${caller.projectId}/${collection}/${id}` },
    { rel: 'bookmark', href: `${caller.protocol}://${caller.host}/${collection}/${id}` },
  ]
}

/** An id with its links. */
export function referenceTo(caller: Linked, collection: string, id: string): Reference {
  return { id, links: linksOf(caller, collection, id) }
}

/**
 * The link to the page after `lastId`: the address that was asked for with the marker set. Under both names that clients look for:
 * Trove's own read `links`, gophercloud reads `instances_links`.
 */
export function nextPage<K extends string>(
  caller: Pick<Caller, 'protocol' | 'host'>,
  url: string,
  lastId: string,
  collection: K,
): { links: Links } & Record<`${K}_links`, Links> {
  const origin = `${caller.protocol}://${caller.host}`
  // The path is taken from what was asked and nothing else: an address that names a host of its own leads nobody there.
  const { pathname, searchParams } = new URL(url, origin)
  searchParams.set('marker', lastId)
  const links = [{ rel: 'next', href: `${origin}${pathname}?${searchParams}` }]
  // The key is spelled by its type.
  return { links, [`${collection}_links`]: links } as { links: Links } & Record<`${K}_links`, Links>
}
