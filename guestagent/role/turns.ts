/** Turns that are taken one at a time. */
export interface Turns {
  /** Take one now; when one is under way, another one right after it. */
  kick(): void
  close(): void
}

/** `act` must not reject; it answers with the milliseconds until the next turn, or null: when somebody kicks. */
export function openTurns(act: () => Promise<number | null>): Turns {
  let timer: NodeJS.Timeout | undefined
  let running = false
  let again = false
  let closed = false

  function schedule(waitMs: number): void {
    clearTimeout(timer)
    if (closed) return
    timer = setTimeout(() => void turn(), waitMs)
    timer.unref()
  }

  async function turn(): Promise<void> {
    if (running) {
      again = true
      return
    }
    running = true
    const waitMs = await act()
    running = false
    if (again) schedule(0)
    else if (waitMs !== null) schedule(waitMs)
    again = false
  }

  return {
    kick: () => schedule(0),
    close: () => {
      closed = true
      clearTimeout(timer)
    },
  }
}
