/*
 * How the memory of one instance adds up (ADR 11). The flavor promises an amount for data; everything else that redis-server counts
 * as used, or takes beside it, comes on top, so that none of it is ever taken out of what was promised. Pure.
 */

const MB = 1024 * 1024
const GB = 1024 * MB

/** All in bytes. */
export interface MemoryBudget {
  /** What the flavor promises: keys, values, and the tables they lie in. 0 is no limit. */
  readonly dataBytes: number
  /** The replication backlog, which counts as used as soon as there was a replica. */
  readonly backlogBytes: number
  /** What all clients together may have in buffers, where the server can bound that (Redis 7); the largest request or answer of one of them. */
  readonly clientBytes: number
  /** The largest value, so that two of them fit what clients may have. */
  readonly valueBytes: number
  /** What may wait for replicas that lag or copy, beyond the backlog. Not counted as used by any version. */
  readonly replicaBufferBytes: number
  /** `maxmemory`: data, backlog, clients, and what an empty server takes. 0 is no limit. */
  readonly maxMemoryBytes: number
  /** What one redis-server may take of its own, with its scripts' memory and what the allocator keeps: where the system can limit a process. */
  readonly processBytes: number
  /** The whole guest at its worst: a fork that has copied all data, replicas that lag, the agent. Where the system can limit a group. */
  readonly guestBytes: number
}

/** An empty server, its connections to five replicas, and what lists of blocks take beside the blocks. */
const SERVER_BYTES = 8 * MB
/** Stacks of threads, what a script may take beside full data, and addresses that the allocator keeps. */
const PROCESS_BYTES = 256 * MB
/** The agent (58 MB), page tables, and what the allocator cannot give back. */
const BESIDE_BYTES = 160 * MB

/** Data of a flavor: three quarters of its RAM. The other quarter is about what backlog and clients may take. */
export function dataMbOf(ramMb: number): number {
  return Math.floor(ramMb * 0.75)
}

/** The parts for this much data; 0 is a size that is not offered any more: without a limit, the parts as for a gigabyte. */
export function memoryBudget(dataBytes: number): MemoryBudget {
  const sizedBytes = dataBytes === 0 ? GB : dataBytes
  const backlogBytes = whole(Math.max(Math.min(sizedBytes / 6, 64 * MB), sizedBytes / 12))
  const clientBytes = whole(Math.max(32 * MB, sizedBytes / 6))
  const replicaBufferBytes = whole(Math.max(64 * MB, sizedBytes / 2))
  const maxMemoryBytes = sizedBytes + backlogBytes + clientBytes + SERVER_BYTES
  return {
    dataBytes,
    backlogBytes,
    clientBytes,
    valueBytes: clientBytes / 2,
    replicaBufferBytes,
    maxMemoryBytes: dataBytes === 0 ? 0 : maxMemoryBytes,
    processBytes: whole(sizedBytes / 2) + maxMemoryBytes + replicaBufferBytes + PROCESS_BYTES,
    guestBytes: sizedBytes + maxMemoryBytes + replicaBufferBytes + BESIDE_BYTES,
  }
}

function whole(bytes: number): number {
  return Math.round(bytes / MB) * MB
}
