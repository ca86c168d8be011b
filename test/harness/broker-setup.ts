import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { createLogger } from '../../common/log.js'
import { type PrivateBroker, startPrivateBroker } from '../../supervisor/broker/private-broker.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the one broker of this run; `harness/broker.ts` hands it to tests. */
    readonly amqpUrl: string
    readonly amqpManagementUrl: string
  }
}

interface Shared {
  users: number
  readonly dir: string
  readonly broker: Promise<PrivateBroker>
}

/** Every ring loads this file anew, and yet one run has one broker: hence a place that all of them see. */
const place = globalThis as { redtroveTestBroker?: Shared }

/** A vitest global setup: one real broker for all rings that name this file, gone when the last one is done. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  place.redtroveTestBroker ??= start()
  const shared = place.redtroveTestBroker
  shared.users += 1
  const { url, managementUrl } = await shared.broker
  project.provide('amqpUrl', url)
  project.provide('amqpManagementUrl', managementUrl)
  return async () => {
    shared.users -= 1
    if (shared.users > 0) return
    delete place.redtroveTestBroker
    await (await shared.broker).stop()
    rmSync(shared.dir, { recursive: true, force: true })
  }
}

function start(): Shared {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-broker-'))
  return { users: 0, dir, broker: startPrivateBroker({ dir, log: createLogger('test-broker', 'warn') }) }
}
