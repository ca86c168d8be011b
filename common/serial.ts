/** Runs what it is given one at a time, in order. A failure is its caller's; the next one runs all the same. */
export type Serial = <T>(act: () => Promise<T>) => Promise<T>

/** A new line of its own. */
export function openSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const next = last.then(act, act)
    last = next.catch(() => undefined)
    return next
  }
}
