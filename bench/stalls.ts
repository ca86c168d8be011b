import { monitorEventLoopDelay } from 'node:perf_hooks'

/**
 * How long this process stood still at most, in milliseconds: nothing that it measures can be seen any sooner, so a bench says it beside
 * its longest times. The returned function ends the watch.
 */
export function watchStalls(): () => number {
  const histogram = monitorEventLoopDelay({ resolution: 5 })
  histogram.enable()
  return () => {
    histogram.disable()
    return histogram.max / 1e6
  }
}
