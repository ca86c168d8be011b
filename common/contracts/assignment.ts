import { z } from 'zod'
import { MEMBER_ROLES } from '../domain/instance.js'
import { endpointSchema } from './observation.js'

/** A password of ours or a user's: printable ASCII without blanks, quotes or a backslash, so no file format can be broken out of. */
export const passwordSchema = z.string().regex(/^[\x21\x23-\x26\x28-\x5b\x5d-\x7e]{8,128}$/)

/**
 * Accounts of one set, the same on every member. `application` may hold two passwords while one is being rotated out; for the same time
 * `replicationBefore` is taken beside `replication`, with which replicas log in.
 */
export const credentialsSchema = z.object({
  application: z.array(passwordSchema).min(1).max(2),
  replication: passwordSchema,
  replicationBefore: passwordSchema.optional(),
})
export type Credentials = z.output<typeof credentialsSchema>

/** What an agent is told to be: desired state, so it may be repeated at will. */
export const assignmentSchema = z.object({
  setId: z.uuid(),
  epoch: z.int().min(1),
  role: z.enum(MEMBER_ROLES),
  /** Whom to follow; set for a replica, null otherwise. */
  source: endpointSchema.nullable(),
  credentials: credentialsSchema,
})
export type Assignment = z.output<typeof assignmentSchema>

/**
 * Fencing token of a command. An agent keeps the highest (epoch, attempt) on disk and refuses lower ones with
 * `stale_epoch`: a zombie taskmanager cannot act. The outcome of (operationId, step) is kept and given again when repeated.
 */
export const tokenSchema = z.object({
  operationId: z.uuid(),
  step: z.string().min(1).max(64),
  epoch: z.int().min(1),
  attempt: z.int().min(1),
})
export type Token = z.output<typeof tokenSchema>
