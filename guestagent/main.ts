import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { systemClock } from '../common/clock.js'
import { messageOf, RedtroveError } from '../common/errors.js'
import { createLogger } from '../common/log.js'
import { leaveWithOwnCode } from '../common/processes/own-exit-code.js'
import { openGuestMessaging } from '../wire/agent/messaging.js'
import { type AgentSeed, agentSeedSchema } from '../wire/agent/seed.js'
import { withAccount } from '../wire/broker/account.js'
import { openAgent } from './agent.js'
import { optimiseLittle } from './frugal-engine.js'

/**
 * Runs the agent of one guest until it is told to stop: SIGTERM or SIGINT stops redis-server cleanly and then the agent; SIGHUP
 * stops the agent alone, as its sudden death would, and the next agent takes the running server over.
 */
export async function main({ seedFile }: { readonly seedFile: string }): Promise<void> {
  optimiseLittle()
  const seed = readSeed(seedFile)
  const log = createLogger('guestagent', seed.logLevel).child({ instanceId: seed.spec.instanceId })
  const stop = untilTold()
  const messaging = openGuestMessaging({
    // A private broker may have to move.
    url: () => withAccount(readFileSync(seed.amqpUrlFile, 'utf8').trim(), seed.spec.brokerAccount),
    ...(seed.amqpCaFile ? { caFile: seed.amqpCaFile } : {}),
    instanceId: seed.spec.instanceId,
    key: Buffer.from(seed.spec.sealKey, 'hex'),
    bootId: randomUUID(),
    log,
  })
  try {
    const agent = await openAgent({ seed, messaging, clock: systemClock, log })
    await stop.told
    await agent.close({ withServer: stop.withServer })
  } finally {
    await messaging.close()
  }
}

/** When the agent is to end, and whether redis-server is to end with it. */
interface Told {
  readonly told: Promise<void>
  readonly withServer: () => boolean
}

/**
 * Listens for signals. One wish may come as several of them, and an agent that ended at a second one would leave its redis-server to nobody:
 * none of them cuts the stop short, which has a deadline of its own.
 */
function untilTold(): Told {
  let withServer = false
  const told = new Promise<void>((resolve) => {
    const tell = (server: boolean) => () => {
      withServer ||= server
      resolve()
    }
    process.on('SIGTERM', tell(true))
    process.on('SIGINT', tell(true))
    process.on('SIGHUP', tell(false))
  })
  leaveWithOwnCode()
  return { told, withServer: () => withServer }
}

function readSeed(file: string): AgentSeed {
  try {
    return agentSeedSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new RedtroveError('bad_setting', `The seed file ${file} cannot be used: ${messageOf(cause)}`, {
      cause,
    })
  }
}
