/** Remembers which numbers of one sender were seen, however they are ordered, in bounded memory. */
export interface ReplayWindow {
  /** True the first time a number comes, false ever after, and false when it is too far behind the highest to be known. */
  admit(seq: number): boolean
}

/** A window of the last `span` numbers: later ones are always admitted once, older ones never. */
export function replayWindow(span = 1024): ReplayWindow {
  const seen = new Set<number>()
  let highest = -1
  return {
    admit: (seq) => {
      if (seq <= highest - span || seen.has(seq)) return false
      seen.add(seq)
      if (seq > highest) {
        highest = seq
        forgetBelow(highest - span)
      }
      return true
    },
  }

  function forgetBelow(limit: number): void {
    if (seen.size <= 2 * span) return
    for (const old of seen) if (old <= limit) seen.delete(old)
  }
}
