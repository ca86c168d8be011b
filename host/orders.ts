import { RedtroveError } from '../common/errors.js'
import { isLower, type Order } from '../domain/fencing/token.js'
import type { Host } from './host.js'

/** Fails with `stale_epoch` when `order` is lower than one that was seen for this guest. */
export function requireNotOvertaken(instanceId: string, order: Order, seen: Order): void {
  if (!isLower(order, seen)) return
  throw new RedtroveError(
    'stale_epoch',
    `The order ${order.epoch}.${order.attempt} is lower than ${seen.epoch}.${seen.attempt}, which was seen for ${instanceId}.`,
  )
}

/**
 * The same host, keeping a taskmanager that was overtaken from acting on a guest. The highest order seen a guest is in memory, also
 * after it was removed: for hosts with one host part, whose taskmanagers confirm their lease before each act. A call without an
 * order is a person's and is carried out.
 */
export function inOrder(host: Host): Host {
  const highest = new Map<string, Order>()
  const accept = (id: string, order: Order | null) => {
    if (order === null) return
    requireNotOvertaken(id, order, highest.get(id) ?? { epoch: 0, attempt: 0 })
    highest.set(id, order)
  }
  return {
    ...host,
    ensure: async (spec, order) => {
      accept(spec.instanceId, order)
      return host.ensure(spec, order)
    },
    move: async (spec, order) => {
      accept(spec.instanceId, order)
      return host.move(spec, order)
    },
    fence: async (id, order) => {
      accept(id, order)
      return host.fence(id, order)
    },
    remove: async (id, order) => {
      accept(id, order)
      return host.remove(id, order)
    },
  }
}
