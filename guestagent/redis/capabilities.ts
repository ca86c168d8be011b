import { RedtroveError } from '../../common/errors.js'
import {
  formatServerVersion,
  isAtLeast,
  OLDEST_SERVER,
  type ServerVersion,
} from '../../domain/datastore/server-version.js'

/** What a server of some version can do, as far as the agent must choose. */
export interface Capabilities {
  readonly version: ServerVersion
  /** Users with rules of their own; older servers have one password and `rename-command`. */
  readonly acl: boolean
  /** Channel permissions (`&*`) and first-class rules for them. */
  readonly aclChannels: boolean
  /** Rules may take a single subcommand away, and a rule that names an unknown one is an error. */
  readonly aclSubcommands: boolean
  /** `CLIENT PAUSE ms WRITE` and `CLIENT UNPAUSE`. */
  readonly pauseWrites: boolean
  /** `replicaof` and its family; older servers know only `slaveof`. */
  readonly replicaNames: boolean
  readonly disklessSync: boolean
  readonly disklessSyncReplicaCount: boolean
  /** `replica-announce-ip` and `-port` (as `slave-announce-…` before 5). */
  readonly announce: boolean
  /** The append-only file is a folder of a base and increments. */
  readonly aofFolder: boolean
  /** `FUNCTION`, whose endless ones SCRIPT KILL does not end. */
  readonly functions: boolean
  /** An RDB file carries the replication id, so that a clean restart keeps partial synchronisation. */
  readonly resumesFromRdb: boolean
}

/** Capabilities by version. Fails with `guest_failed` when the server is older than `OLDEST_SERVER`. */
export function capabilitiesOf(version: ServerVersion): Capabilities {
  if (!isAtLeast(version, formatServerVersion(OLDEST_SERVER))) {
    throw new RedtroveError(
      'guest_failed',
      `redis-server is ${formatServerVersion(version)}; replication needs 2.8 or later. Install a newer one.`,
    )
  }
  return {
    version,
    acl: isAtLeast(version, '6.0'),
    aclChannels: isAtLeast(version, '6.2'),
    aclSubcommands: isAtLeast(version, '7.0'),
    pauseWrites: isAtLeast(version, '6.2'),
    replicaNames: isAtLeast(version, '5.0'),
    disklessSync: isAtLeast(version, '2.8.18'),
    disklessSyncReplicaCount: isAtLeast(version, '7.0'),
    announce: isAtLeast(version, '3.2.2'),
    aofFolder: isAtLeast(version, '7.0'),
    functions: isAtLeast(version, '7.0'),
    resumesFromRdb: isAtLeast(version, '7.0'),
  }
}
