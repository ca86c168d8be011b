import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { RedtroveError } from '../../../common/errors.js'
import type { Endpoint } from '../../../domain/instance/endpoint.js'
import {
  type AddressBook,
  allotAddress,
  freeHosts,
  networkOf,
} from '../../../taskmanager/compute/addresses.js'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const nobody = async () => false

function book(inUse: readonly string[], stolen: readonly string[] = []): AddressBook & { given: Endpoint[] } {
  const given: Endpoint[] = []
  return {
    given,
    endpointsInUse: async () => inUse.map((host) => ({ host, port: 6379 })),
    setEndpoint: async (_id, endpoint) => {
      if (stolen.includes(endpoint.host)) throw new RedtroveError('conflict', 'taken')
      given.push(endpoint)
    },
  }
}

test('an instance gets the lowest address that is free, and it is recorded', async () => {
  const rows = book(['127.83.0.2', '127.83.0.3'])
  expect(await allotAddress('a', '127.83', rows, nobody)).toEqual({ host: '127.83.0.4', port: 6379 })
  expect(rows.given).toHaveLength(1)
})

test('who loses the race for an address takes the next one', async () => {
  const rows = book([], ['127.83.0.2', '127.83.0.3'])
  expect((await allotAddress('a', '127.83', rows, nobody)).host).toBe('127.83.0.4')
})

test('an address where something listens already is left alone', async () => {
  const server = createServer()
  servers.push(server)
  const host = '127.249.0.2'
  await new Promise<void>((resolve) => server.listen(6379, host, resolve))
  expect((await allotAddress('a', '127.249', book([]))).host).toBe('127.249.0.3')
})

test('a failure of the store is not taken for a taken address', async () => {
  const rows = {
    ...book([]),
    setEndpoint: async () => Promise.reject(new RedtroveError('unavailable', 'away')),
  }
  await expect(allotAddress('a', '127.83', rows, nobody)).rejects.toMatchObject({ kind: 'unavailable' })
})

test('a full network says so', async () => {
  const everywhere = async () => true
  await expect(allotAddress('a', '127.83', book([]), everywhere)).rejects.toMatchObject({ kind: 'conflict' })
})

test('every host of a network is one that an instance can have, once', () => {
  const hosts = [...freeHosts('127.83', new Set(['127.83.0.2']))]
  expect(hosts).toHaveLength(256 * 253 - 1)
  expect(new Set(hosts).size).toBe(hosts.length)
  expect(hosts.every((host) => !/\.(0|1|255)$/.test(host))).toBe(true)
})

test('a state directory has the same network each time, and not the one that everybody uses', () => {
  expect(networkOf('/srv/one')).toBe(networkOf('/srv/one'))
  for (const path of ['/srv/one', '/srv/two', '/srv/three']) {
    const second = Number(networkOf(path).split('.')[1])
    expect(second).toBeGreaterThanOrEqual(16)
    expect(second).toBeLessThan(255)
  }
})
