import type { components } from '../../common/openapi.js'
import type { Caller } from '../context.js'

type Links = components['schemas']['Links']
type Reference = components['schemas']['Reference']

/** `self` and `bookmark` of one object; always https, as Trove writes them whatever was used. */
export function linksOf(caller: Pick<Caller, 'host' | 'projectId'>, collection: string, id: string): Links {
  return [
    { rel: 'self', href: `https://${caller.host}/v1.0/${caller.projectId}/${collection}/${id}` },
    { rel: 'bookmark', href: `https://${caller.host}/${collection}/${id}` },
  ]
}

/** An id with its links. */
export function referenceTo(
  caller: Pick<Caller, 'host' | 'projectId'>,
  collection: string,
  id: string,
): Reference {
  return { id, links: linksOf(caller, collection, id) }
}

/** The link to the page after `lastId`: the address that was asked for with the marker set. */
export function nextPage(caller: Pick<Caller, 'host'>, url: string, lastId: string): Links {
  const next = new URL(url, `https://${caller.host}`)
  next.searchParams.set('marker', lastId)
  return [{ rel: 'next', href: next.href }]
}
