/*
 * How a change is carried out: two functions with the point of no return between them.
 *
 *   prepare ── all of it can be taken back ──► plan and desired facts, saved in one transaction ──► commit ── forward only ──► closed
 *
 * Crash at any time and run it again: without a plan it starts over, with a plan it goes forward. Saving the plan also saves
 * what the rows should say from then on (who is the source, which set), so commit only has to make the machines agree with the
 * rows, and so has whoever comes after it.
 */

import type { z } from 'zod'
import type { Clock } from '../../common/clock.js'
import type { RedtroveError } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { KeyRing } from '../../common/secrets/key-ring.js'
import type { Token } from '../../domain/fencing/token.js'
import type { InstanceId } from '../../domain/instance/instance.js'
import type { OperationKind } from '../../domain/operation/kinds/index.js'
import type { Operation, OperationResult } from '../../domain/operation/operation.js'
import type { Credentials } from '../../domain/replication/credentials.js'
import type { Changes, Store } from '../../store/store.js'
import type { guestAgent } from '../../wire/agent/commands.js'
import type { BrokerAccount } from '../../wire/broker/account.js'
import type { Client } from '../../wire/contract.js'
import type { OrderedCompute } from '../compute/compute.js'
import type { Timings } from './timings.js'

/**
 * Registers what undoes an act, before the act: a call that timed out may have happened. Run in reverse, with a context that a
 * deadline or a cancel does not end, and again while a part of the control plane is away: it may be repeated.
 */
export type TakeBack = (name: string, act: (context: WorkflowContext) => Promise<void>) => void

/** How an operation ends. Sentences may name a member by its id: the runner puts the name before it (name-members.ts). */
export interface Outcome {
  readonly state: 'done' | 'rolled_back' | 'failed'
  readonly result?: OperationResult
  readonly fault?: string
  readonly changes?: Changes
}

/** A plan to be saved together with what the rows should say from then on. */
export interface Ready<Plan> {
  readonly plan: Plan
  readonly changes?: Changes
}

/** What prepare hands to the runner: a plan, or an end because nothing is to be done. */
export type Prepared<Plan> = Ready<Plan> | { readonly outcome: Outcome }

/** How one kind of operation is carried out. */
export interface Workflow<K extends OperationKind = OperationKind, Plan = unknown> {
  readonly kind: K
  /** Parses the plan out of the operation's row. */
  readonly plan: z.ZodType<Plan>
  /** All that can be taken back. A RedtroveError here is what the user reads as the operation's fault. */
  prepare(context: WorkflowContext<K>, takeBack: TakeBack): Promise<Prepared<Plan>>
  /** Forward only; run again after any failure, so every act in it may be repeated. */
  commit(plan: Plan, context: WorkflowContext<K>): Promise<Outcome>
  /** Desired facts after prepare was taken back because of `why`: faults, mostly. `left`: what could not be taken back. */
  readonly rolledBack?: (context: WorkflowContext<K>, why: RedtroveError, left: readonly string[]) => Changes
  /** Commit cannot go on: a fault on exactly the members concerned, fences stay. May look, may not wait long. */
  giveUp(plan: Plan, context: WorkflowContext<K>, why: RedtroveError): Promise<Outcome>
}

/** Runs `act` as a step that users see. */
export type RunStep = <T>(
  name: string,
  act: (progress: (detail: string) => void) => Promise<T>,
  describe?: (value: T) => string | null,
) => Promise<T>

/** All that a workflow may touch. */
export interface WorkflowContext<K extends OperationKind = OperationKind> {
  readonly operation: Operation<K>
  /** A plan was there when this run began, or commit failed before: machines may be anywhere between before and after. */
  readonly resumed: boolean
  /** Aborted when the lease is lost; in prepare also at the deadline and on cancel. */
  readonly signal: AbortSignal
  readonly store: Pick<Store, 'instances' | 'sets'>
  /** Calls end with this run's signal. */
  guest(id: InstanceId): Client<typeof guestAgent>
  readonly compute: OrderedCompute
  readonly queues: {
    /** Answers with the broker account that the guest has to use; null is the one of all parts. */
    declareGuest(id: InstanceId): Promise<BrokerAccount | null>
    removeGuest(id: InstanceId): Promise<void>
  }
  readonly keyRing: KeyRing
  /** The accounts of the operation's set as they were when this run first asked. */
  credentials(): Promise<Credentials>
  /** A token of its own for each new intention; a call that is only repeated passes the same one again. */
  token(step: string, epoch?: number): Token
  readonly step: RunStep
  /** From here on steps are written later, so that nothing waits behind them in the database while writes are held back. */
  recordLater(): void
  /** Writes what was kept, and again at once from here on. */
  recordNow(): void
  /** Changes desired facts now. Fails with `lease_lost`. */
  change(changes: Changes): Promise<void>
  readonly timings: Timings
  readonly clock: Clock
  readonly log: Logger
}
