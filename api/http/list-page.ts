import type { InstanceFacts } from '../../store/store.js'
import type { components } from '../../wire/http/openapi.js'
import type { ApiContext, Caller } from '../context.js'
import type { Viewing } from '../views/instance.js'
import { nextPage } from '../views/links.js'
import { cutPage, rowsPerPage } from '../views/page.js'
import { viewingOf } from '../views/show-instances.js'

type InstanceView = components['schemas']['Instance']

/** One page in the order of ids, which is also the order of the pages: nothing is shown twice or left out. */
export async function listPage(
  request: { readonly query: { readonly limit?: number; readonly marker?: string }; readonly url: string },
  caller: Caller,
  context: ApiContext,
  view: (facts: InstanceFacts, viewing: Viewing) => InstanceView,
): Promise<components['schemas']['InstancePage']> {
  const { limit, marker } = request.query
  const rowsMax = rowsPerPage(limit)
  const page = { limit: rowsMax, ...(marker === undefined ? {} : { marker }) }
  const [found, viewing] = await Promise.all([
    context.store.instances.list(caller.projectId, page),
    viewingOf(caller, context),
  ])
  const { rows, more } = cutPage(found, rowsMax)
  const last = rows.at(-1)
  return {
    instances: rows.map((facts) => view(facts, viewing)),
    ...(more && last ? nextPage(caller, request.url, last.instance.id, 'instances') : {}),
  }
}
