import type { Handler } from '../../http/route.js'

/** Looks at the database; the broker may be away, since an accepted operation waits for it. */
export const showHealth: Handler<'showHealth'> = async (_request, _caller, { store }) => {
  await store.ping()
  return { status: 200, body: { status: 'ok' } }
}
