import type { z } from 'zod'
import type { Instance } from '../instance/instance.js'
import type { InstanceStatus } from '../instance/status-words.js'
import type { Topology } from '../replication/topology.js'

/** What an operation of a kind takes for itself until it ends; new instances that come into being with it are always among it. */
export type Holds =
  /** Every member of the subject's set. */
  | 'set'
  /** The instance that the caller named. */
  | 'subject'
  /** The subject and those members of its set that the opener names. */
  | 'named'
  /** Nothing: a job, which never stands in the way of an eject or a promote. It raises no epoch. */
  | 'nothing'

/** The rows as they are inside the transaction that opens an operation. */
export interface Situation {
  readonly subject: Instance
  readonly topology: Topology
}

/** A kind of operation: all that is particular to it, but for its workflow. */
export interface OperationDefinition<K extends string, R extends z.ZodType> {
  readonly kind: K
  /** What it is asked for, as the row keeps it (JSON). Secrets in it are sealed by the opener. */
  readonly request: R
  readonly holds: Holds
  /** How long it may prepare before all is undone. Milliseconds. */
  readonly deadlineMs: number
  /** Trove's `status` while it is open: of the instance it was opened for, and of the others it holds. */
  readonly status: { readonly subject: InstanceStatus; readonly others: InstanceStatus }
  /**
   * While it holds an instance, only its own commands may say what role that has. Under any other kind the role stays what it is, so an agent
   * that restarts in the midst of a long operation gets its answer.
   */
  readonly roleInMotion: boolean
  /** Somebody does this while writes fail or are about to: it has places of its own in a task manager, and is taken first. */
  readonly urgent: boolean
  /** Refuses what cannot be done to these rows, with a `RedtroveError`. Pure; called inside the claiming transaction, and before it by who wants to refuse early. */
  check(situation: Situation, request: z.output<R>): void
}

type Given<K extends string, R extends z.ZodType> = Omit<OperationDefinition<K, R>, 'urgent' | 'check'> &
  Partial<Pick<OperationDefinition<K, R>, 'urgent' | 'check'>>

/** A kind; without `check` it may be opened on any rows. */
export function operationKind<const K extends string, R extends z.ZodType>(
  given: Given<K, R>,
): OperationDefinition<K, R> {
  return { urgent: false, check: () => undefined, ...given }
}
