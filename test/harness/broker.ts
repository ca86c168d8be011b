import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import type {} from './broker-setup.js'

/** The run's broker and a queue prefix that nobody else has, so that test files do not meet. */
export function testBroker(): { url: string; managementUrl: string; prefix: string } {
  const [url, managementUrl] = [inject('amqpUrl'), inject('amqpManagementUrl')]
  return { url, managementUrl, prefix: `test-${randomUUID().slice(0, 8)}` }
}
