import type { Logger } from '../../common/log.js'
import type { OperationKind } from '../../domain/operation/kinds/index.js'
import type { Operation } from '../../domain/operation/operation.js'
import type { NewOperation, OperationStore } from '../store.js'

/** The one way by which programs open operations. Fails as `OperationStore.open` does. */
export type OperationDoor = <K extends OperationKind>(wanted: NewOperation<K>) => Promise<Operation<K>>

/** Who hears of an operation that is open. */
export interface DoorParts {
  readonly operations: Pick<OperationStore, 'open'>
  /** Tells task managers that there is one to carry out. Never rejects: the row is the order, and a sweep finds it. */
  readonly announce: (operationId: string) => void
  readonly log: Logger
}

/** Opens the operation's row, says so in one line of the log, and announces it. */
export function operationDoor({ operations, announce, log }: DoorParts): OperationDoor {
  return async (wanted) => {
    const operation = await operations.open(wanted)
    const { kind, instanceId, requestId, askedBy } = wanted
    log.info({ operationId: operation.id, instanceId, requestId, kind, askedBy }, 'operation accepted')
    announce(operation.id)
    return operation
  }
}
