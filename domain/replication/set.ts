import type { ReplicationSetId } from '../instance/instance.js'

/**
 * What changes together has one epoch, one set of accounts and at most one open operation. `replication`: one source and replicas that follow it.
 * `cluster`: a native one, whose shards elect their sources. `sharded`: the proxy cluster of Redis' 2010 design.
 */
export type SetKind = 'replication' | 'cluster' | 'sharded'

/** Who decides which member leads: our rows, which agents are told; or the engine, which rows follow. Drift, the write lock at boot and status ask this. */
export type Leadership = 'rows' | 'engine'

/** A set's row. Passwords are sealed with the key ring; nobody but its users ever opens them. */
export interface ReplicationSet {
  readonly id: ReplicationSetId
  readonly projectId: string
  readonly kind: SetKind
  readonly leadsBy: Leadership
  readonly epoch: number
  readonly sealedCredentials: string
  /** Since when these accounts have a password that was set by request; null when it was made here, or disabled. */
  readonly rootEnabledAtMs: number | null
}
