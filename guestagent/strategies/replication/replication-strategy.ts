import type { Endpoint } from '../../../domain/instance/endpoint.js'
import type { RedisAdmin } from '../../redis/admin.js'
import type { Capabilities } from '../../redis/capabilities.js'
import type { Directive } from '../../redis/directive.js'

/**
 * How members of a set copy from each other; chosen by the `replication_strategy` setting. Acts are on the running server and may
 * be repeated; the conf on disk was written before them, and whoever calls looks afterwards.
 */
export interface ReplicationStrategy {
  readonly name: string
  /** What redis.conf says of synchronisation, whatever the role. */
  directives(can: Capabilities): readonly Directive[]
  /** Follow nobody and take writes. */
  enableAsSource(admin: RedisAdmin): Promise<void>
  /** Take no writes and follow `source`. */
  enableAsReplica(admin: RedisAdmin, source: Endpoint): Promise<void>
  /** Follow nobody and still take no writes: what an ejected member does, or a source that waits to be told that it is one. */
  detachReplica(admin: RedisAdmin): Promise<void>
  /** Run-time settings for a source that is about to get this many replicas at once; 0 restores what redis.conf says. */
  tuneSync(admin: RedisAdmin, can: Capabilities, replicaCount: number): Promise<void>
}
