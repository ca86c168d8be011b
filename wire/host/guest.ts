/*
 * The process provider's host part: it owns the agent processes of one machine. The taskmanager speaks to it over HTTP on a
 * unix socket in the state directory (0600); JSON bodies as below. Every call may be repeated.
 *
 * PUT    /guests/{id}          ensure: seed file written when absent, agent running (supervised, restarted when it dies)  → GuestState
 * POST   /guests/{id}/fence    SIGKILL agent and redis-server, answer once both are confirmed gone; not started again   → GuestState
 * PUT    /guests/{id}/place    move: as ensure, on a host that takes guests; its data elsewhere are removed              → GuestState
 * GET    /guests/{id}          inspect                                                                                → GuestState
 * DELETE /guests/{id}          agent and server stopped, folder removed                                              → GuestState
 * GET    /leaving              guests on hosts that are to be emptied                                                → { leaving: id[] }
 * GET    /datastores           what can be run here                                                                 → { versions: DatastoreOffer[] }
 */

import { z } from 'zod'
import { endpointSchema } from '../../domain/instance/endpoint.js'
import { LOCALITIES } from '../../domain/instance/locality.js'
import { assignmentSchema } from '../../domain/replication/assignment.js'
import { brokerAccountSchema } from '../broker/account.js'

/** All that is needed to run one guest. Becomes the agent's seed file (0600). */
export const guestSpecSchema = z.object({
  instanceId: z.uuid(),
  endpoint: endpointSchema,
  /** Role at birth; later ones reach the agent as commands. */
  assignment: assignmentSchema,
  /** Hex of the 32-byte key that seals this instance's messages. */
  sealKey: z.string().regex(/^[0-9a-f]{64}$/),
  /** Its own account of the broker; null for one that shares the account of all parts, as older ones do. */
  brokerAccount: brokerAccountSchema.nullable().default(null),
  /** For data alone: redis-server's own `maxmemory` is more (`domain/instance/memory-budget.ts`). 0 is no limit. */
  maxMemoryBytes: z.int().min(0),
  /** Of the whole guest. The process provider does not enforce them, and its older records do not have them. */
  ramMb: z.int().min(1).default(128),
  vcpus: z.int().min(1).default(1),
  /** For the disk alarm; the process provider does not enforce it. */
  volumeGb: z.int().min(1),
  /** What it runs; `version` is major.minor. The process provider has one only. */
  datastore: z
    .object({ name: z.enum(['redis', 'valkey']), version: z.string() })
    .default({ name: 'redis', version: '7.0' }),
  /** Where among several hosts. Providers of one host do not look at it. */
  availabilityZone: z.string().nullable().default(null),
  /** Beside the other members of its set, or away from them. */
  locality: z.enum(LOCALITIES).nullable().default(null),
})
export type GuestSpec = z.output<typeof guestSpecSchema>

/** What the host sees of one guest. `fenced`: it was killed and will not be started again until `ensure`. */
export const guestStateSchema = z.object({
  instanceId: z.uuid(),
  state: z.enum(['absent', 'running', 'stopped', 'fenced']),
  agentPid: z.int().nullable(),
  serverPid: z.int().nullable(),
})
export type GuestState = z.output<typeof guestStateSchema>

/**
 * Who gives an order, as `epoch.attempt` of the operation; sent with PUT, POST and DELETE. A lower one than was seen for the guest
 * before is refused with 409: a taskmanager that was overtaken can neither start, fence nor remove anything.
 */
export const ORDER_HEADER = 'x-redtrove-order'
/** The header's value, parsed. */
export const orderSchema = z
  .string()
  .regex(/^\d{1,15}\.\d{1,15}$/)
  .transform((text) => {
    const [epoch = 0, attempt = 0] = text.split('.').map(Number)
    return { epoch, attempt }
  })
