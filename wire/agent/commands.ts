import { z } from 'zod'
import { tokenSchema } from '../../domain/fencing/token.js'
import { observationSchema } from '../../domain/instance/observation.js'
import { assignmentSchema } from '../../domain/replication/assignment.js'
import { credentialsSchema } from '../../domain/replication/credentials.js'
import { defineContract } from '../contract.js'

const nothing = z.object({})
const offset = z.int().min(0)
const seen = z.object({ observation: observationSchema })

/**
 * What the taskmanager may ask of one redis-server's agent. Every method may be repeated: it states what should be, acts only
 * on the difference, and answers with what it then saw. Failures: `stale_epoch` (a lower token than one seen before),
 * `guest_failed` (with the server's or the system's own sentence), `guest_timeout`.
 */
export const guestAgent = defineContract({
  /** A fresh look. */
  inspect: { params: nothing, result: seen, timeoutMs: 3_000, lane: 'query' },

  /**
   * Be what the assignment says: conf on disk first, then the running server, then look until ROLE agrees.
   * source: follows nobody and the write fence is lifted. replica: follows `source` (the link need not be up yet), read-only,
   * fence on. ejected: fence on for ever, follows nobody.
   * `writesFrozen`: the server accepted no client write between this operation's `pauseWrites` and the change of role
   * (false when there was no pause or it may have run out). A pause is lifted once the role has changed.
   */
  assume: {
    params: z.object({ token: tokenSchema, assignment: assignmentSchema }),
    result: z.object({ observation: observationSchema, writesFrozen: z.boolean() }),
    timeoutMs: 15_000,
    lane: 'control',
  },

  /** Postpones client writes for at most `pauseMs`, counted by the agent's monotonic clock; answers with the offset after the last write. */
  pauseWrites: {
    params: z.object({ token: tokenSchema, pauseMs: z.int().min(1).max(10_000) }),
    result: z.object({ replicationId: z.string(), offset }),
    timeoutMs: 5_000,
    lane: 'control',
  },

  /** Ends a pause at once; nothing to do is a success. */
  resumeWrites: {
    params: z.object({ token: tokenSchema }),
    result: nothing,
    timeoutMs: 5_000,
    lane: 'control',
  },

  /** Looks until this replica has applied `offset` of history `replicationId` or `waitMs` is over; `reached` says which. */
  waitForOffset: {
    params: z.object({
      token: tokenSchema,
      replicationId: z.string(),
      offset,
      waitMs: z.int().min(0).max(10_000),
    }),
    result: z.object({ reached: z.boolean(), offset, replicationId: z.string() }),
    timeoutMs: 15_000,
    lane: 'control',
  },

  /** Cuts the link to the source so that no late byte arrives (CLIENT KILL TYPE master), and looks. The offset is kept. */
  severLink: { params: z.object({ token: tokenSchema }), result: seen, timeoutMs: 5_000, lane: 'control' },

  /**
   * Run-time synchronisation settings of a source that is about to get `replicaCount` new replicas (delay only when more than
   * one); 0 restores what redis.conf says. No restart.
   */
  tuneSync: {
    params: z.object({ token: tokenSchema, replicaCount: z.int().min(0).max(100) }),
    result: nothing,
    timeoutMs: 5_000,
    lane: 'control',
  },

  /** Makes these the set's accounts here, on disk and in the running server, without dropping a client. */
  setCredentials: {
    params: z.object({ token: tokenSchema, credentials: credentialsSchema }),
    result: nothing,
    timeoutMs: 10_000,
    lane: 'control',
  },

  /**
   * Remembers what it is to be (what it is, without an assignment), stops redis-server with its data saved and starts it again; answers once it
   * serves its role (fence as the role wants). A server that does not answer is ended by its process id: everything acknowledged is kept.
   */
  restartServer: {
    params: z.object({
      token: tokenSchema,
      assignment: assignmentSchema.optional(),
      /** Data that cannot be loaded may be replaced by an older state, as the observation's fault offers it. */
      acceptOlderData: z.boolean().optional(),
    }),
    result: seen,
    timeoutMs: 120_000,
    lane: 'control',
  },

  /** Stops redis-server; it stays stopped, also after a restart of the agent, until `restartServer` or the provider starts it anew. */
  stopServer: {
    params: z.object({ token: tokenSchema }),
    result: nothing,
    timeoutMs: 30_000,
    lane: 'control',
  },
})
