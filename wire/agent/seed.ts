import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { guestSpecSchema } from '../host/guest.js'

const absolute = z.string().refine((path) => isAbsolute(path), 'must be an absolute path')

/**
 * The file an agent is started with (JSON, 0600): who it is, where its folder is, and the settings that concern it. It has no
 * other input: the environment is not read, and secrets are in no argument.
 */
export const agentSeedSchema = z.object({
  spec: guestSpecSchema,
  /** The guest's own folder (0700); everything of this instance lies in it. */
  dir: absolute,
  /** File that holds the broker's address; read anew at each attempt. The account in the spec, if there is one, takes the place of the file's. */
  amqpUrlFile: absolute,
  /** File with the CA of an amqps:// broker, read anew at each attempt; one that is empty, or none, leaves it to those that Node trusts. */
  amqpCaFile: absolute.optional(),
  /** Program name or path. */
  redisServer: z.string().min(1),
  heartbeatMs: z.int().min(50).max(60_000),
  replicationStrategy: z.enum(['redis-sync']),
  disklessSync: z.boolean(),
  disklessSyncDelaySeconds: z.int().min(0).max(600),
  /** How long an agent tries to get into a server that is full before it starts that again; 10 s when it is not said. */
  lockedOutMs: z.int().min(0).optional(),
  /** For crash tests: `REDTROVE_FAILPOINT` as it was set. */
  failpoint: z.string().optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
})
export type AgentSeed = z.output<typeof agentSeedSchema>
