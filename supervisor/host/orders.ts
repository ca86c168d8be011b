import { ORDER_HEADER, orderSchema } from '../../common/contracts/host.js'
import { RedtroveError } from '../../common/errors.js'

/** Keeps a taskmanager that was overtaken from acting on a guest. */
export interface Orders {
  /** Fails with `stale_epoch` when a higher order was seen for this guest; also after it was removed. */
  accept(instanceId: string, header: string | undefined): void
}

/**
 * Highest order seen a guest, in memory: whoever could send a lower one is a child of this process and ends with it. A call
 * without an order is a person's and is carried out.
 */
export function openOrders(): Orders {
  const highest = new Map<string, { readonly epoch: number; readonly attempt: number }>()
  return {
    accept(instanceId, header) {
      if (header === undefined) return
      const order = orderSchema.parse(header)
      const seen = highest.get(instanceId) ?? { epoch: 0, attempt: 0 }
      const lower = order.epoch < seen.epoch || (order.epoch === seen.epoch && order.attempt < seen.attempt)
      if (!lower) {
        highest.set(instanceId, order)
        return
      }
      throw new RedtroveError(
        'stale_epoch',
        `${ORDER_HEADER} ${header} is lower than ${seen.epoch}.${seen.attempt}, which was seen for ${instanceId}.`,
      )
    },
  }
}
