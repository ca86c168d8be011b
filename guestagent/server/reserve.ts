import type { Logger } from '../../common/log.js'
import type { Observation } from '../../domain/instance/observation.js'
import type { RedisAdmin } from '../redis/admin.js'
import { connectionsFor, connectionsToClose } from '../redis/client-list.js'
import type { ManagedServer } from './server.js'

/**
 * Keeps the reserve of connections free: to be called with each look, closes as many as are too many. Without a reserve a server that is full locks out
 * its agent, once that starts again, and its replicas.
 */
export function reserveKeeper(
  server: ManagedServer,
  log: Logger,
): (seen: Pick<Observation, 'clients' | 'connectedReplicas'>) => Promise<void> {
  let askedOf: RedisAdmin | null = null
  let limit = Number.POSITIVE_INFINITY
  return async ({ clients, connectedReplicas }) => {
    if (clients === null || server.state() !== 'up') return
    const admin = await server.admin()
    if (askedOf !== admin) {
      // As it runs, not as its redis.conf says: few files that may be open make it fewer, and an older agent gave no reserve.
      limit = connectionsFor(await admin.clientsMax())
      askedOf = admin
    }
    const tooMany = clients + connectedReplicas.length - limit
    if (tooMany <= 0) return
    const closed = await admin.closeClients(connectionsToClose(await admin.clientList(), tooMany))
    log.warn({ clients, limit, closed }, 'too many connections; some were closed')
  }
}
