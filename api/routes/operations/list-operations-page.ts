import type { components } from '../../../wire/http/openapi.js'
import type { ApiContext, Caller } from '../../context.js'
import { nextPage } from '../../views/links.js'
import { operationView } from '../../views/operation.js'
import { cutPage, rowsPerPage } from '../../views/page.js'

/** Newest first, page after page. */
export async function listOperationsPage(
  request: { readonly query: { readonly limit?: number; readonly marker?: string }; readonly url: string },
  caller: Caller,
  context: ApiContext,
  projectId: string,
  instanceId?: string,
): Promise<components['schemas']['OperationPage']> {
  const { limit, marker } = request.query
  const rowsMax = rowsPerPage(limit)
  const found = await context.store.operations.list(projectId, {
    limit: rowsMax,
    ...(marker === undefined ? {} : { marker }),
    ...(instanceId === undefined ? {} : { instanceId }),
  })
  const { rows, more } = cutPage(found, rowsMax)
  const last = rows.at(-1)
  return {
    operations: rows.map((operation) => operationView(operation)),
    ...(more && last ? nextPage(caller, request.url, last.id, 'operations') : {}),
  }
}
