import type { Clock } from '../../common/clock.js'
import type { Token } from '../../domain/fencing/token.js'

/** A pause of writes that this agent ordered, by its monotonic clock. Kept in memory: a new agent knows of none, and says so. */
export interface Pause {
  readonly operationId: string
  readonly step: string
  readonly untilMs: number
}

/** The pause under way, and what must be put back when it ends. */
export interface PauseKeeper {
  /** The pause that still holds for sure; null once it may have run out. */
  current(): Pause | null
  /** `sentAtMs` is taken before the server is told, so that this clock ends no later than the server's. */
  begin(token: Token, sentAtMs: number, pauseMs: number): void
  /** True when this operation's pause has held without a gap until now. */
  holdsFor(operationId: string): boolean
  end(): void
}

/** `onEnd` is called once when a pause runs out by itself. */
export function pauseKeeper(clock: Clock, onEnd: () => void): PauseKeeper {
  let pause: Pause | null = null
  let timer: NodeJS.Timeout | undefined
  const current = () => (pause && clock.monotonicMs() < pause.untilMs ? pause : null)
  const end = () => {
    clearTimeout(timer)
    pause = null
  }
  return {
    current,
    end,
    holdsFor: (operationId) => current()?.operationId === operationId,
    begin: ({ operationId, step }, sentAtMs, pauseMs) => {
      end()
      pause = { operationId, step, untilMs: sentAtMs + pauseMs }
      timer = setTimeout(() => {
        end()
        onEnd()
      }, pauseMs)
      timer.unref()
    },
  }
}
