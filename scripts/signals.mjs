/*
 * Whatever tells a script to end also ends what it has started: a signal, from a terminal, a process manager or npm, or the end of npm. The
 * script goes last, so that who waits for it knows that nothing is left.
 */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP']
const PARENT_POLL_MS = 250

const children = new Set()
let by = null

/** The signal that this script was told to end by; null so far. */
export const stoppedBy = () => by

/** From now on signals are passed on instead of ending this process, and so is the end of npm, which is its parent (`exec` in package.json). */
export function heedSignals() {
  for (const signal of SIGNALS) process.on(signal, () => stop(signal))
  // While Node tears itself down signals have their default effect again: this leaves that part out.
  process.once('exit', (code) => process.exit(code))
  // What is printed into a closed terminal is lost, and nothing else.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  if (process.env.npm_lifecycle_event === undefined) return
  const npm = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === npm) return
    clearInterval(timer)
    stop('SIGTERM')
  }, PARENT_POLL_MS)
  timer.unref()
}

/** Signals reach this child from now on; the returned function ends that. */
export function reachedBySignals(child) {
  children.add(child)
  if (by) child.kill(by)
  return () => children.delete(child)
}

function stop(signal) {
  by ??= signal
  for (const child of children) child.kill(signal)
}
