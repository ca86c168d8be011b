/* Clients that write to a set as its users do, four at a time, and what a test waits for of them. */
import { waitUntil } from '../../common/wait-until.js'
import { startWriters, type Writers } from '../../demo/writers.js'
import type { ReplicaSet } from './replica-set.js'

/** About a thousand writes a second, which is many in what a switch takes; without a pause, writers alone keep a core busy. */
const PACE_MS = 3

/** Writers of a set, with what tests wait for. */
export interface SetWriters extends Writers {
  /** Waits until so many more writes are acknowledged. */
  more(count: number): Promise<void>
}

/** Starts to write at once; ids go to the sets `PREFIX:0` to `PREFIX:3`. `moreMs` is what `more` waits at most. */
export function writersOf(
  set: Pick<ReplicaSet, 'endpoints' | 'password'>,
  prefix: string,
  moreMs = 60_000,
): SetWriters {
  const { endpoints, password } = set
  const writers = startWriters({ members: () => endpoints, password, writers: 4, prefix, paceMs: PACE_MS })
  const { acks, refusals } = writers.ledger
  return {
    ...writers,
    more: async (count) => {
      const before = acks.length
      await waitUntil(
        `${count} more writes are acknowledged`,
        () => acks.length - before,
        (more) => more >= count,
        { timeoutMs: moreMs, describe: (more) => `${more}, refusals until now ${JSON.stringify(refusals)}` },
      )
    },
  }
}
