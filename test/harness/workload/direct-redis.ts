import { connect, type Socket } from 'node:net'
import { AbstractConnector, Redis } from 'ioredis'
import type { Endpoint } from '../../../domain/instance/endpoint.js'
import { UNTOUCHED } from '../faults/namespace.js'

/** A client that no network rule of the tests applies to: it comes from an address of its own. */
export function directRedis(endpoint: Endpoint, password: string, timeoutMs: number): Redis {
  const redis = new Redis({
    ...endpoint,
    password,
    lazyConnect: true,
    retryStrategy: () => null,
    enableOfflineQueue: false,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    Connector: fromUntouched(endpoint),
  })
  // Failures surface on the command; without a listener they would end the process.
  redis.on('error', () => undefined)
  return redis
}

function fromUntouched({ host, port }: Endpoint) {
  return class extends AbstractConnector {
    constructor() {
      super(500)
    }

    override async connect(): Promise<Socket> {
      this.connecting = true
      this.stream = connect({ host, port, localAddress: UNTOUCHED })
      return this.stream as Socket
    }
  }
}
