import type { Clock } from '../../common/clock.js'
import type { Logger } from '../../common/log.js'
import type { Serial } from '../../common/serial.js'
import type { Client } from '../../wire/contract.js'
import type { taskmanagerQuestions } from '../../wire/control/questions.js'
import type { AcceptedState } from '../memory/accepted.js'
import type { ManagedServer } from '../server/server.js'
import type { RoleActs } from './acts.js'
import type { StandingBook } from './standing.js'

/** How long giving the server its role may take. */
export const ROLE_MS_MAX = 10_000

/** The server, what it should be, and whom to ask. */
export interface RoleKeeperOptions {
  readonly server: ManagedServer
  readonly accepted: AcceptedState
  readonly acts: RoleActs
  /** Shared with the commands: what changes the server does not overlap. */
  readonly control: Serial
  readonly ask: Client<typeof taskmanagerQuestions>
  readonly clock: Clock
  readonly log: Logger
}

/** The same with what is remembered of the server's right. */
export type RoleKeeperParts = RoleKeeperOptions & { readonly book: StandingBook }
