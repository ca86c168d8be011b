import { dataMbOf } from './memory-budget.js'

/** A size an instance may have. Ids are Trove-like digits, so that clients which insist on an integer can name them. */
export interface Flavor {
  readonly id: string
  readonly name: string
  readonly ramMb: number
  readonly vcpus: number
  readonly diskGb: number
}

/** The sizes that are offered. How `ramMb` becomes limits is in `memory-budget.ts`; the process provider does not enforce the rest. */
export const FLAVORS: readonly Flavor[] = [
  { id: '1', name: 'redis.tiny', ramMb: 128, vcpus: 1, diskGb: 1 },
  { id: '2', name: 'redis.small', ramMb: 512, vcpus: 1, diskGb: 2 },
  { id: '3', name: 'redis.medium', ramMb: 1024, vcpus: 1, diskGb: 4 },
  { id: '4', name: 'redis.large', ramMb: 2048, vcpus: 2, diskGb: 8 },
  { id: '5', name: 'redis.xlarge', ramMb: 4096, vcpus: 2, diskGb: 16 },
]

/** The flavor of this id; undefined when it is not offered (any more). */
export function flavorOf(id: string): Flavor | undefined {
  return FLAVORS.find((flavor) => flavor.id === id)
}

/** Memory for data in a redis-server of this flavor, in bytes; 0 (no limit) for a flavor that is not offered any more. */
export function dataBytesOf(flavorId: string): number {
  const flavor = flavorOf(flavorId)
  return flavor ? dataMbOf(flavor.ramMb) * 1024 * 1024 : 0
}

const CONNECTIONS_PER_MB = 8
const CONNECTIONS_MAX = 10_000

/** Client connections that a redis-server with this RAM takes: an idle one costs some 17 KB, so all of them an eighth of the RAM. */
export function connectionsMaxOf(ramMb: number): number {
  return Math.min(CONNECTIONS_MAX, ramMb * CONNECTIONS_PER_MB)
}
