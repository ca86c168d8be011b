import { messageOf } from '../common/errors.js'
import type { Logger } from '../common/log.js'
import { backOff } from './back-off.js'
import { type PrivateBroker, startPrivateBroker } from './private-broker.js'

/** The private broker, started again when it dies. */
export interface KeptBroker {
  readonly url: string
  pid(): number
  stop(): Promise<void>
}

/** Resolves once it accepts connections the first time. Its ports and password stay the same over restarts on one folder. */
export async function keepBroker(dir: string, log: Logger): Promise<KeptBroker> {
  const pauses = backOff()
  let stopping = false
  let broker: PrivateBroker = await startPrivateBroker({ dir, log })
  const url = broker.url
  const watching = watch()

  async function watch(): Promise<void> {
    while (!stopping) {
      const sinceMs = performance.now()
      const ended = await broker.exited
      if (stopping) return
      log.error({ ...ended }, 'the private broker ended; it is started again')
      await startAgain(performance.now() - sinceMs)
    }
  }

  async function startAgain(livedMs: number): Promise<void> {
    for (let lastedMs = livedMs; !stopping; lastedMs = 0) {
      await new Promise((resolve) => setTimeout(resolve, pauses.next(lastedMs)))
      try {
        broker = await startPrivateBroker({ dir, log })
        if (stopping) await broker.stop()
        return
      } catch (error) {
        log.error({ reason: messageOf(error) }, 'the private broker does not start')
      }
    }
  }

  return {
    url,
    pid: () => broker.pid,
    stop: async () => {
      stopping = true
      await broker.stop()
      await watching
    },
  }
}
