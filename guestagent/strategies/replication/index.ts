import type { AgentSeed } from '../../../wire/agent/seed.js'
import { redisSync } from './redis-sync.js'
import type { ReplicationStrategy } from './replication-strategy.js'

const STRATEGIES: Readonly<
  Record<AgentSeed['replicationStrategy'], (seed: AgentSeed) => ReplicationStrategy>
> = {
  'redis-sync': redisSync,
}

/** The strategy that the agent's settings name. */
export function replicationStrategy(seed: AgentSeed): ReplicationStrategy {
  return STRATEGIES[seed.replicationStrategy](seed)
}
