import { FENCE_REPLICAS } from '../../redis/conf.js'
import type { Directive } from '../../redis/directive.js'
import type { ReplicationStrategy } from './replication-strategy.js'

/** What the operator may choose. */
export interface RedisSyncSettings {
  readonly disklessSync: boolean
  readonly disklessSyncDelaySeconds: number
}

const FENCED = String(FENCE_REPLICAS)

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
    backupRequired: () => false,
    directives: () => directives,
    // Both commands of a change travel together: no client can come in between them, and a promote waits for one answer less.
    enableAsSource: async (admin) => {
      await Promise.all([admin.followNobody(), admin.configSet('min-replicas-to-write', '0')])
    },
    enableAsReplica: async (admin, source) => {
      await Promise.all([admin.configSet('min-replicas-to-write', FENCED), admin.follow(source)])
    },
    detachReplica: async (admin) => {
      await Promise.all([admin.configSet('min-replicas-to-write', FENCED), admin.followNobody()])
    },
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
