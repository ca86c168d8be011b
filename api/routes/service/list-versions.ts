import type { Handler } from '../../http/route.js'

/** The version document, exactly as Trove's own tests expect it. */
export const listVersions: Handler<'listVersions'> = async (_request, caller) => ({
  status: 200,
  body: {
    versions: [
      {
        id: 'v1.0',
        status: 'CURRENT',
        updated: '2012-08-01T00:00:00Z',
        links: [{ rel: 'self', href: `${caller.protocol}://${caller.host}/v1.0/` }],
      },
    ],
  },
})
