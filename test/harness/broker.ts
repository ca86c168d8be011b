import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import type {} from './broker-setup.js'

/** The run's broker and a queue prefix that nobody else has, so that test files do not meet. */
export function testBroker(): { url: string; prefix: string } {
  return { url: inject('amqpUrl'), prefix: `test-${randomUUID().slice(0, 8)}` }
}
