/*
 * What the control plane keeps, and the only ways to change it. One implementation over knex serves SQLite and PostgreSQL
 * (`open-store.ts`). Every change names the state it expects to find and checks how many rows it changed, so races are lost
 * in the database and nowhere else. Only `api` and `taskmanager` may import this.
 */

import type { DatastoreOffer } from '../domain/datastore/offer.js'
import type { Endpoint } from '../domain/instance/endpoint.js'
import type {
  Fault,
  Instance,
  InstanceId,
  MemberRole,
  ReplicationSetId,
} from '../domain/instance/instance.js'
import type { StoredObservation } from '../domain/instance/observation.js'
import type { Report } from '../domain/instance/report.js'
import type { OperationKind, OperationRequests } from '../domain/operation/kinds/index.js'
import type { Operation, OperationResult, OperationStep } from '../domain/operation/operation.js'
import type { ReplicationSet } from '../domain/replication/set.js'
import type { Topology } from '../domain/replication/topology.js'

/** A version that can be or once could be run, with its public ids. */
export interface DatastoreVersion extends DatastoreOffer {
  readonly id: string
  readonly datastoreId: string
  readonly isDefault: boolean
  readonly active: boolean
}

/** Which part of a list is asked for. */
export interface Page {
  readonly limit: number
  /** The last id of the page before; any string, it is only compared. */
  readonly marker?: string
}

/** An instance with what is known of it, as one row of a list: enough to derive every public word. */
export interface InstanceFacts {
  readonly instance: Instance
  readonly stored: StoredObservation | null
  readonly operation: {
    readonly id: string
    readonly kind: OperationKind
    readonly isSubject: boolean
  } | null
  /** Id of the set's source (this instance's own when it is the source); null in an ejected instance's set. */
  readonly sourceId: InstanceId | null
  /** Its address; null when there is no source or it has no address. */
  readonly sourceEndpoint: Endpoint | null
  /** Its last report, as of the same moment as this instance's own. */
  readonly sourceStored: StoredObservation | null
  /** Replicas of this instance when it is the source, by id; else empty. */
  readonly replicaIds: readonly InstanceId[]
}

export type NewInstance = Pick<
  Instance,
  | 'id'
  | 'projectId'
  | 'name'
  | 'setId'
  | 'role'
  | 'flavorId'
  | 'volumeGb'
  | 'datastoreVersionId'
  | 'availabilityZone'
  | 'locality'
>

/** A set that comes into being with an operation; of replication, led by rows, when nothing else is said. */
export type NewSet = Pick<ReplicationSet, 'id' | 'projectId' | 'sealedCredentials'> &
  Partial<Pick<ReplicationSet, 'kind' | 'leadsBy'>>

/** An operation to open, with all that comes into being with it. What it holds and may do, its kind says. */
export interface NewOperation<K extends OperationKind> {
  readonly kind: K
  readonly projectId: string
  /** The subject. */
  readonly instanceId: InstanceId
  /** Its set, as the opener saw it: when that is another one meanwhile, the operation is refused. */
  readonly setId: ReplicationSetId
  readonly request: OperationRequests[K]
  readonly requestId: string
  /** Who asked, in words for people: a project, or the part of a task manager that saw a need. */
  readonly askedBy: string
  /** For kinds that hold named members: which, beside the subject. */
  readonly alsoHeld?: readonly InstanceId[]
  /** Another one than the kind's. */
  readonly deadlineMs?: number
  readonly newSet?: NewSet
  /** Inserted and held in the same transaction. */
  readonly newInstances?: readonly NewInstance[]
  /** With `newInstances`: not more than this many living instances in the project, counted inside the transaction; -1 is no limit. */
  readonly instanceQuota?: number
  /**
   * What the opener alone can know, checked after the kind's own `check` against what the operation holds, as it is then. A RedtroveError thrown
   * here refuses the operation, and nothing is written.
   */
  readonly check?: (facts: readonly InstanceFacts[], topology: Topology) => void
}

/** Columns of an instance that a closing operation may change. */
export interface InstanceChange {
  readonly role?: MemberRole
  readonly setId?: ReplicationSetId
  readonly endpoint?: Endpoint | null
  readonly fault?: Fault | null
  /** It is gone; when, says the database's clock. */
  readonly deleted?: true
}

/** Columns of a set that a closing operation may change. */
export interface SetChange {
  readonly sealedCredentials?: string
  readonly rootEnabledAtMs?: number | null
}

/** Everything that one commit of a workflow changes, in one transaction. */
export interface Changes {
  /** Each with the accounts of the set that its member leaves, their history included. */
  readonly newSets?: readonly (NewSet & Pick<ReplicationSet, 'epoch' | 'rootEnabledAtMs'>)[]
  readonly sets?: Readonly<Record<ReplicationSetId, SetChange>>
  readonly instances?: Readonly<Record<InstanceId, InstanceChange>>
}

/** Proof of being in charge; every write of a running operation names it and fails with `lease_lost` when it no longer holds. */
export interface Lease {
  readonly operationId: string
  readonly owner: string
  readonly attempt: number
}

/** Instances: desired facts, read together with what is known of each. */
export interface InstanceStore {
  /** Living instances only. `projectId` null is any project (admin, taskmanager). Fails with `not_found`. */
  find(projectId: string | null, id: InstanceId): Promise<InstanceFacts>
  findMany(ids: readonly InstanceId[]): Promise<readonly InstanceFacts[]>
  /** Ordered by id, at most `limit` + 1 rows so that the caller sees whether more exist. */
  list(projectId: string, page: Page): Promise<readonly InstanceFacts[]>
  /** Living instances of all projects whose last report is not older than `ageMs`, ordered by id. */
  reportedWithin(ageMs: number): Promise<readonly InstanceFacts[]>
  /** Living instances of all projects that came up, are held by no operation, and have not reported for `ageMs`; by id. */
  silentFor(ageMs: number): Promise<readonly InstanceId[]>
  /** Instances with their rows of a set, source first. Living only. */
  membersOf(setId: ReplicationSetId): Promise<readonly InstanceFacts[]>
  rename(id: InstanceId, name: string): Promise<void>
  /** Clears the fault; nothing else. */
  clearFault(id: InstanceId): Promise<void>
  /** Living instances of a project. */
  count(projectId: string): Promise<number>
  /** Records an address; fails with `conflict` when a living instance has it. Repeatable with the same value. */
  setEndpoint(id: InstanceId, endpoint: Endpoint): Promise<void>
  endpointsInUse(): Promise<readonly Endpoint[]>
}

/** Replication sets. They change only through an operation. */
export interface SetStore {
  find(id: ReplicationSetId): Promise<ReplicationSet>
  topologyOf(id: ReplicationSetId): Promise<Topology>
}

/** Operations and their leases; the only door through which members are held and released. */
export interface OperationStore {
  /**
   * One transaction: inserts what is new, reads what the kind holds, checks, claims it (compare-and-set on `operation_id is null`), raises the
   * set's epoch, inserts the operation as `pending`. A job claims nothing and raises nothing. Fails with `unprocessable` naming the operation that
   * holds a member, with `over_quota`, or with what a check throws. For programs, `operationDoor` opens: a task manager has to hear of it.
   */
  open<K extends OperationKind>(operation: NewOperation<K>): Promise<Operation<K>>
  find(projectId: string | null, id: string): Promise<Operation>
  /** Newest first, at most `limit` + 1; after an operation that does not exist (any more) there is none. */
  list(projectId: string, page: Page & { readonly instanceId?: InstanceId }): Promise<readonly Operation[]>
  steps(id: string): Promise<readonly OperationStep[]>
  /** Open operations, oldest first. */
  listOpen(): Promise<readonly Operation[]>
  /**
   * Takes a lease: `expected` is the (attempt, leaseBeat) the caller saw; lost races resolve to null. Raises `attempt`, resets the
   * beat, moves `pending` to `preparing`.
   */
  takeLease(
    id: string,
    owner: string,
    expected: { attempt: number; leaseBeat: number },
  ): Promise<Operation | null>
  /** Raises the beat. Fails with `lease_lost`. */
  renew(lease: Lease): Promise<{ readonly cancelRequested: boolean }>
  /** The point of no return: plan, state `committing`, and changes in one transaction. Fails with `lease_lost`. */
  savePlan(lease: Lease, plan: unknown, changes?: Changes): Promise<void>
  /** Desired facts change in the midst of an operation (an address, a promoted member). Fails with `lease_lost`. */
  change(lease: Lease, changes: Changes): Promise<void>
  /** Writes steps as they are now, those written before included; `seq` counts within the lease's attempt. Fails with `lease_lost`. */
  saveSteps(lease: Lease, steps: readonly Omit<OperationStep, 'attempt'>[]): Promise<void>
  /** Ends it, releases every member, applies changes; one transaction. Fails with `lease_lost`. */
  close(
    lease: Lease,
    state: 'done' | 'rolled_back' | 'failed',
    outcome: { readonly result?: OperationResult; readonly fault?: string; readonly changes?: Changes },
  ): Promise<void>
  /** Asks for a take-back before the point of no return; after it nothing happens. */
  requestCancel(id: string): Promise<void>
}

/** A report, and how long ago it was taken in by the monotonic clock of who took it. */
export interface TakenReport extends Report {
  readonly agoMs: number
}

/** What the agents said last. */
export interface ObservationStore {
  /**
   * Keeps each instance's newest report, in one transaction for all. Within a boot the greater seq is newer, and a boot that was
   * not heard of follows the one before. A report of an earlier boot counts only with a seq that never came: a copy changes nothing,
   * and of two boots whose reports overtake each other the one that lives soon reports again. `reports` are in the order in which they came.
   */
  save(reports: readonly TakenReport[]): Promise<void>
  find(id: InstanceId): Promise<StoredObservation | null>
}

/** Datastores and versions on offer. */
export interface CatalogStore {
  datastoreVersions(): Promise<readonly DatastoreVersion[]>
  /** Adds what a provider can run; ids are stable for (datastore, name). What is no longer offered turns inactive. */
  offer(versions: readonly DatastoreOffer[]): Promise<void>
}

/** Limits of single projects. */
export interface QuotaStore {
  /** Limit of a resource for a project; `fallback` when none was set. */
  limit(projectId: string, resource: 'instances', fallback: number): Promise<number>
}

/** How many rows of each kind were forgotten. */
export interface Forgotten {
  /** With their steps. */
  readonly operations: number
  /** Deleted ones. */
  readonly instances: number
  /** With their accounts: those that no instance is left of. */
  readonly sets: number
  /** That came when their instance was deleted already. */
  readonly reports: number
  /** Of agents that were started again since. */
  readonly boots: number
}

/** What was, and nobody needs any more. */
export interface HistoryStore {
  /** Deletes what ended more than `ageMs` ago, in many short transactions. May be repeated, and by several at once. */
  forget(ageMs: number): Promise<Forgotten>
}

/** All stores over one database. */
export interface Store {
  readonly instances: InstanceStore
  readonly sets: SetStore
  readonly operations: OperationStore
  readonly observations: ObservationStore
  readonly catalog: CatalogStore
  readonly quotas: QuotaStore
  readonly history: HistoryStore
  /** Rejects with `unavailable` when the database does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}
