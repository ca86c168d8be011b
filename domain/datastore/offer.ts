import { z } from 'zod'

/** What a host can run. */
export const datastoreOfferSchema = z.object({
  datastore: z.enum(['redis', 'valkey']),
  /** major.minor, for example 7.0 */
  name: z.string(),
  /** full version of the binary, for example 7.0.15 */
  version: z.string(),
})
export type DatastoreOffer = z.output<typeof datastoreOfferSchema>
