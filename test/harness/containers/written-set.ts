/* A set that clients write to all the while, and what must hold of it when a fault is over. */
import { expect } from 'vitest'
import type { Ledger } from '../../../demo/writers.js'
import { type ReplicaSet, replicaSet } from '../replica-set.js'
import { type SetWriters, writersOf } from '../set-writers.js'
import type { TroveClient } from '../trove-client.js'

const HEALTHY_MS_MAX = 90_000

/** A set and its writers. */
export interface WrittenSet {
  readonly set: ReplicaSet
  readonly writers: SetWriters
  /** How often writers were told this code until now. */
  refusals(code: string): number
  /**
   * Ends the writers. Every member is healthy and linked, exactly the source takes writes, and every member has every write that was
   * acknowledged; `ejected` is no member any more, and takes no writes.
   */
  whole(ejected?: string): Promise<{ readonly source: string; readonly ledger: Ledger }>
}

/** Makes a set with `replicas` replicas on a running service, and starts to write. */
export async function writtenSet(
  stack: { readonly client: TroveClient },
  name: string,
  replicas: number,
): Promise<WrittenSet> {
  const { client } = stack
  const set = await replicaSet(stack, name, replicas)
  const writers = writersOf(set, name)
  return {
    set,
    writers,
    refusals: (code) => writers.ledger.refusals[code] ?? 0,
    whole: async (ejected) => {
      const members = set.ids.filter((id) => id !== ejected)
      for (const id of members) await client.healthy(id, HEALTHY_MS_MAX)
      const source = await set.sourceId()
      await set.linksUp(source, members)
      const ledger = await writers.stop()
      for (const id of members) expect(await set.heldBy(id, name, ledger)).toEqual([])
      expect(await set.writable()).toEqual([source])
      return { source, ledger }
    },
  }
}
