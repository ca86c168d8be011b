/*
 * `agent-swarm.ts MODE …` simulates guests in a process of its own, with real messages over a real broker:
 *   reports FILE PERIOD_MS   every guest of FILE reports once a period, over a few connections
 *   consumers FILE           every guest of FILE is a session of its own that takes commands and comes back by itself
 * FILE (JSON, 0600): the broker's address and the guests' ids and keys. Talks to its parent over the channel of `fork`.
 */

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'amqplib'
import { createLogger } from '../common/log.js'
import type { Endpoint } from '../domain/instance/endpoint.js'
import { guestHandlers } from '../test/harness/guest-handlers.js'
import { observed } from '../test/harness/observed.js'
import { openGuestMessaging } from '../wire/agent/messaging.js'
import { queueNames, UP } from '../wire/broker/queues.js'
import { sealMessage } from '../wire/sealed/envelope.js'

/** What a swarm is told. */
export interface SwarmFile {
  readonly url: string
  readonly prefix: string
  readonly guests: readonly {
    readonly id: string
    readonly key: string
    readonly setId: string
    /** Of a replica; null for a source. */
    readonly follows: Endpoint | null
  }[]
}

const SLICES_A_SECOND = 10
const [mode = '', file = '', periodText = '10000'] = process.argv.slice(2)

if (mode === 'reports') await report(read(file), Number(periodText))
else if (mode === 'consumers') consume(read(file))

function read(path: string): SwarmFile {
  return JSON.parse(readFileSync(path, 'utf8')) as SwarmFile
}

/** Spread over the period, as agents that were started at different times are. */
async function report({ url, prefix, guests }: SwarmFile, periodMs: number): Promise<void> {
  const connection = await connect(url, { noDelay: true })
  const channel = await connection.createChannel()
  const { up } = queueNames(prefix)
  const slices = Math.max(1, Math.round((periodMs / 1000) * SLICES_A_SECOND))
  const boot = randomUUID()
  let seq = 0
  let sent = 0
  setInterval(() => {
    seq += 1
    for (let index = seq % slices; index < guests.length; index += slices) {
      const { id, key, setId, follows } = guests[index] as SwarmFile['guests'][number]
      const role = follows ? ('replica' as const) : ('source' as const)
      const accepted = { setId, epoch: 3, attempt: 1, role, source: follows }
      const seen = { accepted, role, offset: seq * 1000, following: follows, fenced: follows !== null }
      const observation = observed({ ...seen, link: follows ? 'up' : null })
      const header = {
        kind: 'report' as const,
        instanceId: id,
        method: 'observed',
        messageId: randomUUID(),
        from: boot,
        to: null,
        seq,
      }
      const bytes = sealMessage(Buffer.from(key, 'hex'), header, { bootId: boot, seq, observation })
      channel.publish(up, UP.reports, bytes, { persistent: false })
      sent += 1
    }
    if (seq % SLICES_A_SECOND === 0) process.send?.({ sent })
  }, 1000 / SLICES_A_SECOND)
  process.send?.({ sent })
}

function consume({ url, prefix, guests }: SwarmFile): void {
  const log = createLogger('swarm', 'silent')
  const swarm = guests.map(({ id, key }) => {
    const guest = openGuestMessaging({
      url,
      prefix,
      log,
      instanceId: id,
      key: Buffer.from(key, 'hex'),
      bootId: randomUUID(),
    })
    guest.serve(guestHandlers({}))
    return guest
  })
  setInterval(() => {
    process.send?.({ connected: swarm.filter((guest) => guest.connected()).length })
  }, 50)
}
