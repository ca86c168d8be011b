import { z } from 'zod'

/** Every instance has an address of its own, so all share the port. */
export const REDIS_PORT = 6379

/** Where clients and replicas reach a redis-server. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** An address as it travels: IPv4 or a host name without anything that could break out of a redis.conf line. */
export const endpointSchema = z.object({
  host: z.string().regex(/^[A-Za-z0-9.:-]{1,255}$/),
  port: z.int().min(1).max(65535),
})

/** The same address; nobody's is the same as none. */
export function isSameEndpoint(one: Endpoint | null, other: Endpoint | null): boolean {
  return one !== null && other !== null && one.host === other.host && one.port === other.port
}
