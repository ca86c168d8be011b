import type { InstanceId, ReplicationSetId } from '../instance/instance.js'

/** Everything that can be done to instances; the closed list. */
export const OPERATION_KINDS = [
  'create_instance',
  'create_replicas',
  'detach_replica',
  'promote_to_replica_source',
  'eject_replica_source',
  'restart_instance',
  'delete_instance',
  /** Opened by the evacuation only: a replica is made anew on another host, since its own takes no guests any more. */
  'migrate_replica',
  /** Sets or rotates the application password on every member of a set (Trove's root enable and disable). */
  'set_password',
  /** Opened by the sweeper only: makes observed roles equal the desired ones. */
  'repair_replication',
] as const
export type OperationKind = (typeof OPERATION_KINDS)[number]

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

/** What each kind was asked for. Plain JSON; secrets in it are sealed by the store's caller. */
export interface OperationRequests {
  create_instance: Record<string, never>
  create_replicas: { readonly replicaIds: readonly InstanceId[] }
  detach_replica: Record<string, never>
  promote_to_replica_source: Record<string, never>
  eject_replica_source: { readonly force?: boolean }
  /** `acceptOlderData`: a source whose data cannot be loaded may start with an older state of them. */
  restart_instance: { readonly acceptOlderData?: boolean }
  delete_instance: Record<string, never>
  migrate_replica: Record<string, never>
  /** `sealedPassword`: the new application password, sealed with the key ring. */
  set_password: { readonly sealedPassword: string; readonly disable: boolean }
  repair_replication: { readonly drift: readonly string[] }
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
