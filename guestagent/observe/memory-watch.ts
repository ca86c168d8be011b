/* Whether a server refuses writes for want of memory, as far as looks can tell. */
import type { Clock } from '../../common/clock.js'
import type { InfoFacts } from '../redis/info.js'

/** A refused write is told for this long after the look that counted it: at the limit a look may find the server just below. */
const TOLD_MS = 3_000
const MB = 1024 * 1024

/** The numbers of one look that count. */
export type MemoryLook = Pick<
  InfoFacts,
  'serverPid' | 'role' | 'memoryUsedBytes' | 'memoryMaxBytes' | 'memory'
>

/** Keeps the count of refused writes from one look to the next. */
export interface MemoryWatch {
  /** A sentence for the user; null when writes are taken, or are not this server's business. It has no figure that moves. */
  fault(seen: MemoryLook): string | null
}

/** A watch over the server of an instance that has `dataBytes` for data. */
export function memoryWatch(dataBytes: number, clock: Clock): MemoryWatch {
  let refusedOf: { readonly pid: number | null; readonly count: number } | null = null
  let refusedAtMs = Number.NEGATIVE_INFINITY

  function note({ serverPid: pid, memory }: MemoryLook): void {
    const count = memory.refusedCommands
    if (count === null) return
    const before = refusedOf?.pid === pid ? refusedOf.count : null
    // The first look of an agent cannot know how old the refusals are.
    if (before !== null && count > before) refusedAtMs = clock.monotonicMs()
    refusedOf = { pid, count }
  }

  return {
    fault: (seen) => {
      note(seen)
      if (seen.role !== 'source' || seen.memoryMaxBytes === null) return null
      const refused = clock.monotonicMs() - refusedAtMs < TOLD_MS
      return isFull(seen) || refused ? sentence(dataBytes, seen.memoryMaxBytes) : null
    },
  }
}

/** As redis-server itself decides before each write: what it does not count is left out. */
function isFull({ memoryUsedBytes, memoryMaxBytes, memory }: MemoryLook): boolean {
  if (memoryUsedBytes === null || memoryMaxBytes === null || memoryMaxBytes === 0) return false
  return memoryUsedBytes - (memory.uncountedBytes ?? 0) > memoryMaxBytes
}

function sentence(dataBytes: number, maxBytes: number): string {
  const [data, max] = [dataBytes, maxBytes].map((bytes) => Math.round(bytes / MB))
  return `The instance is out of memory and refuses writes: its data and its clients' buffers take all of ${max} MB, of which the flavor gives ${data} MB to data. Delete keys or let them expire, or move the data to an instance with a larger flavor.`
}
