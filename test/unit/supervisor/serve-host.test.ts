/* The host part's door: what a guest is born with becomes files that outlive every change of a password. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLogger } from '../../../common/log.js'
import type { Host } from '../../../host/host.js'
import { serveHost } from '../../../host/serve.js'
import { callHost } from '../../../taskmanager/compute/host-client.js'
import { type GuestSpec, guestStateSchema } from '../../../wire/host/guest.js'

const instanceId = '7b3f7f0e-5a47-4c4c-9a4e-0c7c4a1f6b11'
const born: GuestSpec[] = []
let folder: string
let close: () => Promise<void>
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'redtrove-door-'))
  const ensure = async (spec: GuestSpec) => {
    born.push(spec)
    return { instanceId, state: 'running' as const, agentPid: 1, serverPid: 2 }
  }
  // No other call is made.
  close = await serveHost({ ensure } as Partial<Host> as Host, socket(), createLogger('test', 'silent'))
})
afterEach(async () => {
  await close()
  rmSync(folder, { recursive: true })
})
const socket = () => join(folder, 'host.sock')

it.each([
  ['redis', '7.0', true],
  ['redis', '6.0', true],
  ['redis', '8.0', true],
  ['valkey', '8.1', true],
  ['redis', '5.0', false],
])('a guest with %s %s is born with hashes of the application: %s', async (name, version, hashed) => {
  const credentials = { application: ['first-password', 'other-password'], replication: 'for-masterauth' }
  const body = {
    instanceId,
    endpoint: { host: '127.0.0.1', port: 6379 },
    assignment: { setId: instanceId, epoch: 1, role: 'source', source: null, credentials },
    sealKey: '0'.repeat(64),
    maxMemoryBytes: 1,
    volumeGb: 1,
    datastore: { name, version },
  }
  const path = `/guests/${instanceId}`
  await callHost(socket(), { method: 'PUT', path, body, answer: guestStateSchema, timeoutMs: 15_000 })
  const sha256 = (text: string) => `#${createHash('sha256').update(text).digest('hex')}`
  const application = credentials.application.map((password) => (hashed ? sha256(password) : password))
  // The replication account's stays readable: Redis logs in to its source with it.
  expect(born.at(-1)?.assignment.credentials).toEqual({ application, replication: 'for-masterauth' })
})
