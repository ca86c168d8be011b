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

/** Runs what it is given for one key one at a time, in order; what is for different keys side by side. */
export type Serials = <T>(key: string, act: () => Promise<T>) => Promise<T>

/** New lines of their own. */
export function openSerials(): Serials {
  const lines = new Map<string, Serial>()
  return (key, act) => {
    const line = lines.get(key) ?? openSerial()
    lines.set(key, line)
    return line(act)
  }
}
