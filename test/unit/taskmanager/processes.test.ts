import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { processes } from '../../../taskmanager/compute/processes.js'

const open: { server: Server; dir: string }[] = []
afterEach(() => {
  for (const { server, dir } of open.splice(0)) {
    server.closeAllConnections()
    server.close()
    rmSync(dir, { recursive: true, force: true })
  }
})

const endpoint = { host: '127.83.0.7', port: 6379 }
const version = {
  id: randomUUID(),
  datastore: 'redis' as const,
  datastoreId: randomUUID(),
  name: '7.0',
  version: '7.0.15',
  isDefault: true,
  active: true,
}
const rows = {
  find: async () => ({
    instance: {
      endpoint,
      flavorId: '2',
      datastoreVersionId: version.id,
      availabilityZone: null,
      locality: null,
    },
  }),
}
const addressed = { allot: async () => endpoint, instances: rows, versions: async () => [version] }
const order = { epoch: 3, attempt: 2 }

async function host(listener: RequestListener) {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-host-'))
  const socketPath = join(dir, 'host.sock')
  const server = createServer(listener)
  open.push({ server, dir })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return processes({ socketPath, ...addressed })
}

const state = (instanceId: string, more = {}) =>
  JSON.stringify({ instanceId, state: 'fenced', agentPid: null, serverPid: null, ...more })

test('an instance keeps the address it has, and the order travels with the call', async () => {
  const seen: string[] = []
  const id = randomUUID()
  const compute = await host((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['x-redtrove-order']}`)
    response.end(state(id, { state: 'running', agentPid: 1, serverPid: 2 }))
  })
  const machine = {
    instanceId: id,
    // Not looked at here.
    assignment: {} as never,
    sealKey: '',
    brokerAccount: null,
    maxMemoryBytes: 0,
    volumeGb: 1,
  }
  expect(await compute.ensure(machine, order)).toEqual({ endpoint })
  expect(seen).toEqual([`PUT /guests/${id} 3.2`])
})

test('a fence counts only when no process is left', async () => {
  const id = randomUUID()
  const gone = await host((_request, response) => response.end(state(id)))
  await expect(gone.fence(id, order)).resolves.toBeUndefined()
  const alive = await host((_request, response) => response.end(state(id, { serverPid: 77 })))
  await expect(alive.fence(id, order)).rejects.toMatchObject({ kind: 'fence_failed' })
})

test('a fence that the host part does not confirm has failed, whatever the reason', async () => {
  const id = randomUUID()
  const broken = await host((_request, response) => {
    response.statusCode = 500
    response.end(JSON.stringify({ message: 'no such thing' }))
  })
  await expect(broken.fence(id, order)).rejects.toMatchObject({ kind: 'fence_failed' })
  const babbling = await host((_request, response) => response.end('hello'))
  await expect(babbling.fence(id, order)).rejects.toMatchObject({ kind: 'fence_failed' })
  const nobody = processes({ socketPath: join(tmpdir(), `${id}.sock`), ...addressed })
  await expect(nobody.fence(id, order)).rejects.toMatchObject({ kind: 'fence_failed' })
})

test('who was overtaken hears so', async () => {
  const overtaken = await host((_request, response) => {
    response.statusCode = 409
    response.end(JSON.stringify({ message: 'lower' }))
  })
  await expect(overtaken.fence(randomUUID(), order)).rejects.toMatchObject({ kind: 'stale_epoch' })
  await expect(overtaken.remove(randomUUID(), order)).rejects.toMatchObject({ kind: 'stale_epoch' })
})

test('a host part that does not run is unavailable', async () => {
  const nobody = processes({ socketPath: join(tmpdir(), 'nobody.sock'), ...addressed })
  await expect(nobody.inspect(randomUUID())).rejects.toMatchObject({ kind: 'unavailable' })
})
