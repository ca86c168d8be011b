import type { Clock } from '../../common/clock.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import type { OperationStep, StepState } from '../../domain/operation/operation.js'
import type { Lease, OperationStore } from '../../store/store.js'

/** One step that is being recorded. */
export interface JournalStep {
  /** Tells users how far it is. */
  progress(detail: string): void
  end(state: StepState, detail: string | null): void
}

/**
 * The record of steps that users see, with the times at which things happened. Nothing waits for it: it is written behind the
 * work, all that has changed in one transaction. A lost entry is a gap in the picture and nothing else, so failures are logged
 * and forgotten.
 */
export interface Journal {
  begin(name: string): JournalStep
  /** Keeps entries in memory until `release`. */
  hold(): void
  release(): void
  /** Resolves once all that was begun or ended so far is written, or could not be. */
  flush(): Promise<void>
}

type Entry = Omit<OperationStep, 'attempt'>

/** The journal of one leased operation. */
export function openJournal(
  steps: Pick<OperationStore, 'saveSteps'>,
  lease: Lease,
  clock: Clock,
  log: Logger,
): Journal {
  const entries: Entry[] = []
  const changed = new Set<number>()
  let held = false
  let writing: Promise<void> | null = null

  function set(entry: Entry): void {
    entries[entry.seq - 1] = entry
    changed.add(entry.seq)
    write()
  }

  function write(): void {
    if (held || writing || changed.size === 0) return
    writing = writeChanged().finally(() => {
      writing = null
      write()
    })
  }

  async function writeChanged(): Promise<void> {
    // A turn later: a step that ends at once and the next one that begins are one write.
    await Promise.resolve()
    const batch = entries.filter(({ seq }) => changed.has(seq))
    changed.clear()
    try {
      await steps.saveSteps(lease, batch)
    } catch (error) {
      log.debug({ operationId: lease.operationId, reason: messageOf(error) }, 'steps were not recorded')
    }
  }

  const release = () => {
    held = false
    write()
  }
  return {
    begin(name) {
      const seq = entries.length + 1
      const [startedAtMs, begunMs] = [clock.now(), clock.monotonicMs()]
      set({ seq, name, state: 'running', startedAtMs, endedAtMs: null, detail: null })
      // The wall clock may be set in between.
      const tookMs = () => Math.round(clock.monotonicMs() - begunMs)
      const change = (fields: Partial<Entry>) => {
        const entry = entries[seq - 1]
        if (entry) set({ ...entry, ...fields })
      }
      return {
        progress: (detail) => change({ detail }),
        end: (state, detail) => change({ state, detail, endedAtMs: startedAtMs + tookMs() }),
      }
    },
    hold: () => {
      held = true
    },
    release,
    flush: async () => {
      release()
      while (writing) await writing
    },
  }
}
