import type { ReplicationSetId } from '../instance/instance.js'

/** What changes together has one epoch, one set of accounts and at most one open operation. */
export const SET_KINDS = [
  /** One source and replicas that follow it. */
  'replication',
  /** A native cluster: shards that elect their sources. */
  'cluster',
  /** The proxy cluster of Redis' 2010 design. */
  'sharded',
] as const
export type SetKind = (typeof SET_KINDS)[number]

/** Who decides which member leads: our rows, which agents are told; or the engine, which rows follow. Drift, the write lock at boot and status ask this. */
export const LEADERSHIPS = ['rows', 'engine'] as const
export type Leadership = (typeof LEADERSHIPS)[number]

/** What runs as an instance: a redis-server, or a proxy of a sharded set. */
export const INSTANCE_KINDS = ['server', 'proxy'] as const
export type InstanceKind = (typeof INSTANCE_KINDS)[number]

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
