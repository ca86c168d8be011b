import type { Client } from './client.js'

/** The first `rowsMax` rows of a list (Infinity: all), page after page by its `links`; `more` says that there are further ones. */
export async function firstRows<T>(
  client: Client,
  path: string,
  key: string,
  rowsMax: number,
): Promise<{ readonly rows: readonly T[]; readonly more: boolean }> {
  const rows: T[] = []
  for (let marker: string | null = ''; ; ) {
    const limit = rowsMax - rows.length
    const page: Record<string, unknown> = await client.get(path + queryOf(marker, limit))
    rows.push(...(page[key] as T[]))
    const following = markerOf(page.links)
    if (rows.length >= rowsMax)
      return { rows: rows.slice(0, rowsMax), more: following !== null || rows.length > rowsMax }
    // A server that hands out the same page again would keep us here for ever.
    if (following === null || following === marker) return { rows, more: false }
    marker = following
  }
}

function queryOf(marker: string, limit: number): string {
  const query = new URLSearchParams({
    ...(limit === Infinity ? {} : { limit: String(limit) }),
    ...(marker ? { marker } : {}),
  }).toString()
  return query && `?${query}`
}

/** Where the next page begins; null on the last one. */
function markerOf(links: unknown): string | null {
  const next = (links as { rel: string; href: string }[] | undefined)?.find(({ rel }) => rel === 'next')
  return next ? new URL(next.href).searchParams.get('marker') : null
}
