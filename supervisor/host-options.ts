import { type Settings, stateLayout } from '../common/config.js'
import type { Logger } from '../common/log.js'
import type { HostOptions } from './host/host.js'

/** What the host part needs, out of the settings. `program` is how to run ourselves. */
export function hostOptions(
  settings: Settings,
  program: readonly [string, ...string[]],
  log: Logger,
): HostOptions {
  const layout = stateLayout(settings.REDTROVE_STATE_DIR)
  return {
    guestsDir: layout.guests,
    program,
    log,
    agent: {
      amqpUrlFile: layout.amqpUrl,
      redisServer: settings.REDTROVE_REDIS_SERVER,
      heartbeatMs: settings.REDTROVE_HEARTBEAT_MS,
      replicationStrategy: settings.REDTROVE_REPLICATION_STRATEGY,
      disklessSync: settings.REDTROVE_REPL_DISKLESS_SYNC,
      disklessSyncDelaySeconds: settings.REDTROVE_REPL_DISKLESS_SYNC_DELAY_SECONDS,
      ...(settings.REDTROVE_FAILPOINT ? { failpoint: settings.REDTROVE_FAILPOINT } : {}),
      logLevel: settings.REDTROVE_LOG_LEVEL,
    },
  }
}
