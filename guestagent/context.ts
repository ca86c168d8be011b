import type { Clock } from '../common/clock.js'
import type { Failpoint } from '../common/failpoint.js'
import type { Logger } from '../common/log.js'
import type { Serial } from '../common/serial.js'
import type { AcceptedState } from './memory/accepted.js'
import type { Observer } from './observe/observer.js'
import type { RoleActs } from './role/acts.js'
import type { RoleKeeper } from './role/keeper.js'
import type { LinkCutter } from './role/link-cut.js'
import type { PauseKeeper } from './role/pause.js'
import type { ManagedServer } from './server/server.js'
import type { ReplicationStrategy } from './strategies/replication/replication-strategy.js'

/** What a method may touch. */
export interface ServiceContext {
  readonly server: ManagedServer
  readonly accepted: AcceptedState
  readonly observer: Observer
  readonly acts: RoleActs
  readonly roles: RoleKeeper
  readonly link: LinkCutter
  readonly strategy: ReplicationStrategy
  readonly pause: PauseKeeper
  readonly control: Serial
  /** Dies at one edge of one step, for crash tests. */
  readonly failpoint: Failpoint
  readonly clock: Clock
  readonly log: Logger
}
