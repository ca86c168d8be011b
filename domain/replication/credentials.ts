import { z } from 'zod'

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
