import { FENCE_REPLICAS } from '../../redis/conf.js'
import type { Directive } from '../../redis/directive.js'
import type { ReplicationStrategy } from './replication-strategy.js'

/** What the operator may choose. */
export interface RedisSyncSettings {
  readonly disklessSync: boolean
  readonly disklessSyncDelaySeconds: number
}

/** Redis's own synchronisation: SLAVEOF copies the whole data set by itself, so no backup is made first. */
export function redisSync(settings: RedisSyncSettings): ReplicationStrategy {
  const diskless = settings.disklessSync ? 'yes' : 'no'
  const delaySeconds = String(settings.disklessSyncDelaySeconds)
  const directives: readonly Directive[] = [
    ['repl-diskless-sync', diskless],
    ['repl-diskless-sync-delay', delaySeconds],
    ['repl-diskless-sync-max-replicas', '0'],
  ]

  return {
    name: 'redis-sync',
    directives: () => directives,
    enableAsSource: (admin) => admin.follow(null, 0),
    enableAsReplica: (admin, source) => admin.follow(source, FENCE_REPLICAS),
    detachReplica: (admin) => admin.follow(null, FENCE_REPLICAS),
    tuneSync: async (admin, can, replicaCount) => {
      if (!can.disklessSync) return
      // A single replica has nobody to wait for; several share one transfer, which starts as soon as all have asked for it.
      const waitSeconds = replicaCount === 1 ? '0' : delaySeconds
      await admin.configSetAll([
        ['repl-diskless-sync', diskless],
        ['repl-diskless-sync-delay', waitSeconds],
        ...(can.disklessSyncReplicaCount
          ? [['repl-diskless-sync-max-replicas', String(replicaCount)] as const]
          : []),
      ])
    },
  }
}
