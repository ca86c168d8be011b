import type { Clock } from '../common/clock.js'
import type { Logger } from '../common/log.js'
import type { KeyRing } from '../common/secrets/key-ring.js'
import type { StaticToken } from '../common/secrets/tokens.js'
import type { Settings } from '../common/settings/settings.js'
import type { OperationDoor } from '../store/operations/door.js'
import type { Store } from '../store/store.js'

/** What an operation of the API may touch. */
export interface ApiContext {
  readonly settings: Settings
  readonly store: Store
  readonly keyRing: KeyRing
  readonly tokens: readonly StaticToken[]
  readonly clock: Clock
  readonly log: Logger
  readonly openOperation: OperationDoor
}

/** Who asks, as the token says. */
export interface Caller {
  readonly projectId: string
  readonly isAdmin: boolean
  readonly requestId: string
  /** How it came here. */
  readonly protocol: 'http' | 'https'
  /** What the client calls this service, for links. */
  readonly host: string
}

/** Who asked and by which request, as an operation records it. */
export function askedBy({ projectId, isAdmin, requestId }: Caller): {
  readonly requestId: string
  readonly askedBy: string
} {
  return { requestId, askedBy: isAdmin ? `an admin of project ${projectId}` : `project ${projectId}` }
}

/** Whose objects a caller may name by id: its project's, or anybody's for an admin. */
export function reachOf(caller: Caller): string | null {
  return caller.isAdmin ? null : caller.projectId
}
