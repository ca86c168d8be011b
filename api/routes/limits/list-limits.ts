import type { Handler } from '../../http/route.js'

const VERBS = ['POST', 'PUT', 'DELETE', 'GET'] as const

/** Absolute limits first, as Trove's clients expect, then the request rates. Volumes are not counted apart from instances. */
export const listLimits: Handler<'listLimits'> = async (_request, caller, { store, settings, clock }) => {
  const limit = await store.quotas.limit(
    caller.projectId,
    'instances',
    settings.REDTROVE_MAX_INSTANCES_PER_PROJECT,
  )
  const perMinute = settings.REDTROVE_API_REQUESTS_PER_MINUTE
  const nextAvailable = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`
  return {
    status: 200,
    body: {
      limits: [
        { verb: 'ABSOLUTE', max_instances: limit, max_volumes: -1, max_backups: 0, max_ram: -1 },
        ...VERBS.map((verb) => ({
          verb,
          value: perMinute,
          remaining: perMinute,
          unit: 'MINUTE',
          uri: '*',
          regex: '.*',
          nextAvailable,
        })),
      ],
    },
  }
}
