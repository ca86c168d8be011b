import { z } from 'zod'
import { sentenceSchema } from '../sentence.js'
import { type Endpoint, endpointSchema } from './endpoint.js'
import { MEMBER_ROLES, type MemberRole, type ReplicationSetId } from './instance.js'

const count = z.int().min(0)

/**
 * What the agent says of its redis-server process.
 * `slow`: it runs and has not answered for a moment. `unresponsive`: for five seconds, or it says itself that it serves nobody (an endless
 * script, no connection left). `crashed`: it died three times within a minute and is not started again by itself.
 */
export const SERVICE_STATES = [
  'starting',
  'loading',
  'running',
  'slow',
  'unresponsive',
  'stopped',
  'crashed',
] as const
export type ServiceState = (typeof SERVICE_STATES)[number]

/** Link of a replica to its source: `syncing` while a full synchronisation is under way. */
export const LINK_STATES = ['up', 'syncing', 'down'] as const
export type LinkState = (typeof LINK_STATES)[number]

/** A replica as its source lists it (INFO replication, `slaveN`). */
export interface ConnectedReplica {
  readonly host: string
  readonly port: number
  readonly state: string
  readonly offset: number
  readonly lagSeconds: number | null
}

/** The highest command an agent has accepted, as it keeps it on disk. */
export interface AcceptedAssignment {
  readonly setId: ReplicationSetId
  readonly epoch: number
  readonly attempt: number
  readonly role: MemberRole
  readonly source: Endpoint | null
}

/**
 * One look at one redis-server by its agent. Fields that need an answering server are null when there is none.
 * Field names of INFO in brackets; meaning as in Redis 7.0's INFO documentation.
 */
export interface Observation {
  readonly service: ServiceState
  readonly serverVersion: string | null
  readonly serverPid: number | null
  /** [role] as the server says it, whatever was asked for. */
  readonly role: 'source' | 'replica' | null
  /** Writes are out of reach at run time ([min-replicas-to-write] above any number of replicas). */
  readonly fenced: boolean | null
  /** [master_replid], [master_replid2], [second_repl_offset] */
  readonly replicationId: string | null
  readonly replicationId2: string | null
  readonly secondOffset: number | null
  /** [master_repl_offset] on a source, [slave_repl_offset] on a replica: bytes of the replication stream applied. */
  readonly offset: number | null
  /** Replica only: whom it follows at run time, and how. */
  readonly following: Endpoint | null
  readonly link: LinkState | null
  /** Replica only: since the agent first saw the link down, on the agent's monotonic clock. 0 while it is up. */
  readonly linkDownMs: number | null
  /** Replica only: [master_last_io_seconds_ago]; -1 while there is no link. For users; it decides nothing. */
  readonly lastIoSecondsAgo: number | null
  /** Source only. */
  readonly connectedReplicas: readonly ConnectedReplica[]
  /** [sync_full], [sync_partial_ok], [sync_partial_err] since the process started. */
  readonly syncFull: number | null
  readonly syncPartialOk: number | null
  readonly syncPartialErr: number | null
  readonly memoryUsedBytes: number | null
  readonly memoryMaxBytes: number | null
  readonly keys: number | null
  readonly clients: number | null
  readonly diskUsedBytes: number | null
  readonly diskFreeBytes: number | null
  /** AOF on and its last write and rewrite good, as INFO persistence says. */
  readonly persistenceOk: boolean | null
  readonly accepted: AcceptedAssignment | null
  /** It is to lead, and what it had is gone: its server does not run, so that nobody copies its emptiness. */
  readonly emptied: boolean
  /** Its data cannot be loaded, and it must not begin without them; the fault says which older state it can offer. */
  readonly damaged: boolean
  /** A sentence for the user when the agent cannot do what it should: address taken, server missing, disk full. */
  readonly fault: string | null
}

/** The last report of an instance's agent, as the control plane stored it. */
export interface StoredObservation {
  readonly observation: Observation
  readonly bootId: string
  readonly seq: number
  /** For people; by the database's clock. Whether it is fresh, `report-age.ts` says. */
  readonly receivedAtMs: number
  /** Milliseconds since then, as of when it was read; negative after that clock was set back. */
  readonly ageMs: number
}

/** Observation as it travels; parsed once at each door. */
export const observationSchema: z.ZodType<Observation> = z.object({
  service: z.enum(SERVICE_STATES),
  serverVersion: z.string().max(64).nullable(),
  serverPid: count.nullable(),
  role: z.enum(['source', 'replica']).nullable(),
  fenced: z.boolean().nullable(),
  replicationId: z.string().max(64).nullable(),
  replicationId2: z.string().max(64).nullable(),
  secondOffset: z.int().nullable(),
  offset: z.int().nullable(),
  following: endpointSchema.nullable(),
  link: z.enum(LINK_STATES).nullable(),
  linkDownMs: z.number().min(0).nullable(),
  lastIoSecondsAgo: z.int().nullable(),
  connectedReplicas: z
    .array(
      z.object({
        host: z.string().max(255),
        port: count,
        state: z.string().max(64),
        offset: z.int(),
        lagSeconds: z.int().nullable(),
      }),
    )
    .max(256),
  syncFull: count.nullable(),
  syncPartialOk: count.nullable(),
  syncPartialErr: count.nullable(),
  memoryUsedBytes: count.nullable(),
  memoryMaxBytes: count.nullable(),
  keys: count.nullable(),
  clients: count.nullable(),
  diskUsedBytes: count.nullable(),
  diskFreeBytes: count.nullable(),
  persistenceOk: z.boolean().nullable(),
  accepted: z
    .object({
      setId: z.string(),
      epoch: z.int().min(1),
      attempt: z.int().min(0),
      role: z.enum(MEMBER_ROLES),
      source: endpointSchema.nullable(),
    })
    .nullable(),
  // Agents before this one do not say it.
  emptied: z.boolean().default(false),
  damaged: z.boolean().default(false),
  fault: sentenceSchema(2000).nullable(),
})
