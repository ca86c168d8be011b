import { z } from 'zod'
import { MEMBER_ROLES } from '../domain/instance.js'
import { LINK_STATES, type Observation, SERVICE_STATES } from '../domain/observation.js'
import { sentenceSchema } from './sentence.js'

const count = z.int().min(0)

/** An address as it travels: IPv4 or a host name without anything that could break out of a redis.conf line. */
export const endpointSchema = z.object({
  host: z.string().regex(/^[A-Za-z0-9.:-]{1,255}$/),
  port: z.int().min(1).max(65535),
})

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
