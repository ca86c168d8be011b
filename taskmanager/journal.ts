import type { Lease, OperationStore } from '../common/db/store.js'
import type { StepState } from '../common/domain/operation.js'
import { messageOf } from '../common/errors.js'
import type { Logger } from '../common/log.js'

/** One step that is being recorded. */
export interface JournalStep {
  /** Tells users how far it is. */
  progress(detail: string): void
  end(state: StepState, detail: string | null): void
}

/**
 * The record of steps that users see. Nothing waits for it: entries are written behind the work, in order. A lost entry is a
 * gap in the picture and nothing else, so failures are logged and forgotten.
 */
export interface Journal {
  begin(name: string): JournalStep
  /** Keeps entries in memory until `release`. */
  hold(): void
  release(): void
  /** Resolves once all that was begun or ended so far is written, or could not be. */
  flush(): Promise<void>
}

type Steps = Pick<OperationStore, 'beginStep' | 'endStep'>

/** The journal of one leased operation. */
export function openJournal(steps: Steps, lease: Lease, log: Logger): Journal {
  let held: (() => Promise<void>)[] | null = null
  let tail: Promise<void> = Promise.resolve()
  const write = (entry: () => Promise<void>) => {
    tail = tail.then(entry).catch((error: unknown) => {
      log.debug({ operationId: lease.operationId, reason: messageOf(error) }, 'a step was not recorded')
    })
  }
  const record = (entry: () => Promise<void>) => {
    if (held) held.push(entry)
    else write(entry)
  }
  const release = () => {
    const entries = held ?? []
    held = null
    for (const entry of entries) write(entry)
  }
  return {
    begin(name) {
      let seq: number | null = null
      record(async () => {
        seq = await steps.beginStep(lease, name)
      })
      const mark = (state: StepState, detail: string | null) =>
        record(async () => {
          if (seq !== null) await steps.endStep(lease, seq, state, detail)
        })
      return { progress: (detail) => mark('running', detail), end: mark }
    },
    hold: () => {
      held ??= []
    },
    release,
    flush: () => {
      release()
      return tail
    },
  }
}
