/* One question of a task manager to an agent and back, over the service's own broker, nothing else going on. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '../common/log.js'
import { keyRing } from '../common/secrets/key-ring.js'
import { masterKey } from '../common/secrets/master-key.js'
import { aToken } from '../test/harness/guest-handlers.js'
import { startStack } from '../test/harness/stack.js'
import { openControlMessaging } from '../wire/control/messaging.js'
import { type Bench, ms } from './figure.js'
import { summary } from './statistics.js'

const CALLS = 2_000
const WARM_UP = 200

export const rpc: Bench = {
  name: 'rpc',
  run: async (progress) => {
    const stack = await startStack()
    const keys = keyRing(await masterKey(join(stack.stateDir, 'secrets', 'master.key')))
    const url = readFileSync(join(stack.stateDir, 'secrets', 'amqp-url'), 'utf8').trim()
    const log = createLogger('bench', 'silent')
    const control = openControlMessaging({ url, keyOf: keys.instanceKey, log, consume: false })
    try {
      const { id } = await stack.client.createSource('rpc')
      await control.waitConnected(10_000)
      const guest = control.guest(id)
      progress(`${CALLS} calls`)
      // Ends a pause that is not there: the shortest control call there is, through every layer of the agent.
      const token = aToken({ epoch: 1, attempt: 1 })
      const calls = await measure(() => guest.resumeWrites({ token }))
      const looks = await measure(() => guest.inspect({}))
      const [call, look] = [summary(calls), summary(looks)]
      return [
        {
          name: 'RPC round trip task manager → agent → task manager',
          ours: `p50 ${ms(call.median)}, p99 ${ms(call.p99)}`,
          baseline: null,
          ratio: null,
          bar: 'p50 ≤ 2 ms, p99 ≤ 15 ms',
          holds: call.median <= 2 && call.p99 <= 15,
          raw: { 'p50 p95 p99 max': [call.median, call.p95, call.p99, call.max] },
          notes: [
            `a real agent; the call goes on to its redis-server. A whole look (INFO, disk) p50 ${ms(look.median)}, p99 ${ms(look.p99)}`,
          ],
        },
      ]
    } finally {
      await control.close()
      await stack.stop()
    }
  },
}

async function measure(call: () => Promise<unknown>): Promise<readonly number[]> {
  const took: number[] = []
  for (let n = 0; n < CALLS + WARM_UP; n += 1) {
    const startedMs = performance.now()
    await call()
    if (n >= WARM_UP) took.push(performance.now() - startedMs)
  }
  return took
}
