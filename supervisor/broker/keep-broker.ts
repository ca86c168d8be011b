import { backOff } from '../../common/back-off.js'
import { systemClock } from '../../common/clock.js'
import { messageOf } from '../../common/errors.js'
import type { Logger } from '../../common/log.js'
import { type PrivateBroker, startPrivateBroker } from './private-broker.js'

/** The private broker, started again when it dies. */
export interface KeptBroker {
  pid(): number
  /** Ends it, also while it is being started again. */
  stop(): Promise<void>
}

/** Where it lives, and who is to know its address. */
export interface KeepBrokerOptions {
  readonly dir: string
  readonly log: Logger
  /** Address of this machine, besides 127.0.0.1, where it listens. */
  readonly beside?: string | null
  /** Told where it is after each start: it moves when something else has taken its port. The address holds the password. */
  readonly onUrl: (url: string, managementUrl: string) => void
  /** Aborts a start that is under way, and then nothing is left of it; a broker that runs goes on until `stop`. */
  readonly signal: AbortSignal
}

/** Resolves once it accepts connections the first time. Its password and, if they are free, its ports stay the same over restarts. */
export async function keepBroker({
  dir,
  log,
  beside = null,
  onUrl,
  signal,
}: KeepBrokerOptions): Promise<KeptBroker> {
  const pauses = backOff()
  const stopping = new AbortController()
  const noStart = AbortSignal.any([signal, stopping.signal])
  let broker = await start()
  const watching = watch()

  async function start(): Promise<PrivateBroker> {
    const started = await startPrivateBroker({ dir, log, beside, signal: noStart })
    try {
      onUrl(started.url, started.managementUrl)
      return started
    } catch (error) {
      await started.stop()
      throw error
    }
  }

  async function watch(): Promise<void> {
    while (!noStart.aborted) {
      const sinceMs = performance.now()
      const ended = await broker.exited
      if (noStart.aborted) return
      log.error({ ...ended }, 'the private broker ended; it is started again')
      await startAgain(performance.now() - sinceMs)
    }
  }

  async function startAgain(livedMs: number): Promise<void> {
    for (let lastedMs = livedMs; !noStart.aborted; lastedMs = 0) {
      try {
        await systemClock.sleep(pauses.next(lastedMs), noStart)
        broker = await start()
        return
      } catch (error) {
        if (!noStart.aborted) log.error({ reason: messageOf(error) }, 'the private broker does not start')
      }
    }
  }

  return {
    pid: () => broker.pid,
    stop: async () => {
      stopping.abort()
      await broker.stop()
      await watching
      // It may have come up at the very moment.
      await broker.stop()
    },
  }
}
