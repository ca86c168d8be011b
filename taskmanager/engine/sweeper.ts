import type { Clock } from '../../common/clock.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { onceEach, repeat } from '../../common/repeat.js'
import type { Operation } from '../../domain/operation/operation.js'
import type { OperationStore } from '../../store/store.js'
import { watchLeases } from './lease-watch.js'
import { openPlaces, urgentFirst } from './places.js'
import type { Timings } from './timings.js'

/** Where work comes from, and who does it. */
export interface SweeperParts {
  readonly operations: Pick<OperationStore, 'find' | 'listOpen' | 'takeLease'>
  /** Distinguishes this process from any other, also from its own earlier life. */
  readonly owner: string
  /** Knows owners that are dead for certain, so that nobody waits for their lease. */
  readonly isGone?: (owner: string | null) => boolean
  /** Waited for before an operation is taken, so that those who can do it better may be first. */
  readonly hesitate?: (signal: AbortSignal) => Promise<void>
  /** Carries a leased operation to its end. */
  readonly run: (operation: Operation) => Promise<void>
  readonly timings: Pick<Timings, 'leaseMs' | 'sweepMs'>
  readonly clock: Clock
  readonly log: Logger
}

/** Finds what is to be carried out and takes it, as many as there are places (`places.ts`). */
export interface Sweeper {
  /** An operation was opened; it starts at once if there is a place for it, else with one of the next sweeps. */
  announce(operationId: string): void
  /** Takes no more; resolves when the loop has ended. What runs is left to the next owner. */
  stop(): Promise<void>
}

/** Starts looking every `sweepMs`. Announcements only save the waiting time. */
export function startSweeper(parts: SweeperParts): Sweeper {
  const { operations, owner, isGone, hesitate, run, timings, clock, log } = parts
  const stopped = new AbortController()
  const places = openPlaces()
  const watch = watchLeases(timings.leaseMs, isGone)

  const take = async (open: Operation, expected: { attempt: number; leaseBeat: number } = open) => {
    const { id } = open
    if (stopped.signal.aborted || !places.enter(open)) return
    try {
      await hesitate?.(stopped.signal)
      if (stopped.signal.aborted) return
      const operation = await operations.takeLease(id, owner, expected)
      if (!operation) return
      log.info({ operationId: id, kind: operation.kind, attempt: operation.attempt }, 'operation taken')
      await run(operation)
    } catch (error) {
      log.error(
        { operationId: id, error, reason: messageOf(error) },
        'operation dropped; a sweep takes it again',
      )
    } finally {
      places.leave(id)
    }
  }

  const sweep = async () => {
    const open = await operations.listOpen()
    const mine = open.filter(({ id }) => !places.has(id))
    for (const operation of urgentFirst(watch.runnable(mine, clock.monotonicMs()))) void take(operation)
  }

  /** An announcement says nothing but an id: whose it is, and what, the row says. */
  const answer = async (id: string) => {
    if (places.has(id) || stopped.signal.aborted) return
    try {
      // A new operation has had no owner and no beat; one that has moved on since is not taken by this.
      await take(await operations.find(null, id), { attempt: 0, leaseBeat: 0 })
    } catch (error) {
      log.debug(
        { operationId: id, reason: messageOf(error) },
        'announcement not answered; a sweep finds the operation',
      )
    }
  }

  const failures = onceEach((reason) => log.warn({ reason }, 'no sweep'))
  const stopSweeping = repeat(() => sweep().then(failures.forget), {
    pauseMs: timings.sweepMs,
    clock,
    onFailure: (error) => failures.note(messageOf(error)),
  })
  return {
    announce: (operationId) => void answer(operationId),
    stop: async () => {
      stopped.abort()
      await stopSweeping()
    },
  }
}
