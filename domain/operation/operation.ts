import type { InstanceId, ReplicationSetId } from '../instance/instance.js'
import type { OperationKind, OperationRequests } from './kinds/index.js'

/**
 * `pending`: accepted, nothing done. `preparing`: all done so far can be taken back.
 * `committing`: the plan is saved, only forward. The rest are ends.
 */
export const OPERATION_STATES = [
  'pending',
  'preparing',
  'committing',
  'done',
  'rolled_back',
  'failed',
] as const
export type OperationState = (typeof OPERATION_STATES)[number]
/** States in which an operation holds its members. */
export const OPEN_STATES = ['pending', 'preparing', 'committing'] as const satisfies readonly OperationState[]

/** Moves that may happen; a state without a row entry is an end. Drawn in docs/replication.md from this table. */
export const OPERATION_MOVES: Record<OperationState, readonly OperationState[]> = {
  pending: ['preparing', 'rolled_back'],
  preparing: ['committing', 'done', 'rolled_back', 'failed'],
  /** Back from here only when the plan itself has brought everything to where it was (promote leads the old source back). */
  committing: ['done', 'rolled_back', 'failed'],
  done: [],
  rolled_back: [],
  failed: [],
}

/** A step that was done may later be `taken_back`, when its operation is. */
export const STEP_STATES = ['running', 'done', 'failed', 'taken_back'] as const
export type StepState = (typeof STEP_STATES)[number]

/** One step of an operation, as people read it while they wait. */
export interface OperationStep {
  readonly seq: number
  readonly name: string
  readonly state: StepState
  readonly attempt: number
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  /** Progress or outcome in one short sentence. */
  readonly detail: string | null
}

/** What came of an operation that is done. */
export interface OperationResult {
  /** One sentence of what was done and why. */
  readonly summary: string
  readonly [fact: string]: unknown
}

/** One change to a replication set, from its acceptance to its end. */
export interface Operation<K extends OperationKind = OperationKind> {
  readonly id: string
  readonly kind: K
  readonly projectId: string
  readonly state: OperationState
  /** The instance the caller named. */
  readonly instanceId: InstanceId
  readonly setId: ReplicationSetId
  /** Everything this operation holds while it is open, the subject included. */
  readonly memberIds: readonly InstanceId[]
  /** The set's epoch that this operation raised; every command carries it. */
  readonly epoch: number
  readonly request: OperationRequests[K]
  /** Saved at the point of no return; plain JSON that belongs to the workflow of this kind. */
  readonly plan: unknown
  readonly result: OperationResult | null
  readonly fault: string | null
  readonly requestId: string
  /** In words for people; null in rows that are older than this. */
  readonly askedBy: string | null
  /** Raised by each taskmanager that takes the operation; the second half of the fencing token. */
  readonly attempt: number
  readonly leaseOwner: string | null
  /** Raised with each renewal; a lease is lost when it stands still for `leaseMs` on the observer's own clock. */
  readonly leaseBeat: number
  /** Milliseconds from creation after which `preparing` is taken back. */
  readonly deadlineMs: number
  readonly cancelRequested: boolean
  readonly createdAtMs: number
  /** Milliseconds since its creation, as of when it was read: both by the database's clock, so that no program's own matters. */
  readonly ageMs: number
  readonly startedAtMs: number | null
  readonly endedAtMs: number | null
}

/** True while the operation holds its members. */
export function isOpen(operation: { readonly state: OperationState }): boolean {
  return (OPEN_STATES as readonly OperationState[]).includes(operation.state)
}
