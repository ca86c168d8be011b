/* The control plane brought up with one command: two of each part, and each of them restarted under load. */
import { readFileSync } from 'node:fs'
import { connect as tcp } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { missingOn } from '../../demo/writers.js'
import { buildControlImages, type Composed, composeUp } from '../harness/containers/compose.js'
import { clientOf } from '../harness/containers/engine.js'
import { openstackAt, openstackTests } from '../harness/openstack-client.js'
import { type ReplicaSet, replicaSet } from '../harness/replica-set.js'
import { writersOf } from '../harness/set-writers.js'

const engine = inject('engine')
let plane: Composed
let set: ReplicaSet

beforeAll(async () => {
  await buildControlImages(engine)
  plane = await composeUp(engine)
}, 400_000)
afterAll(() => plane?.down(), 120_000)

describe('openstack database instance … over HTTPS', () => {
  openstackTests(() => ({
    openstack: openstackAt(plane),
    client: plane.clients[0],
    freeze: (id) => clientOf(engine).getContainer(`redtrove-${id}`).pause(),
  }))

  it('refuses a service whose CA it was not told', async () => {
    const { endpoint, token } = plane
    const stranger = openstackAt({ endpoint, token })
    await expect(stranger.run('database', 'instance', 'list')).rejects.toThrow(/certificate verify failed/i)
  })
})

it('serves a set, whichever API is asked', async () => {
  const [one, other] = plane.clients
  set = await replicaSet({ client: one }, 'composed', 2)
  expect((await other.list()).map(({ id }) => id).sort()).toEqual([...set.ids].sort())
})

it('every connection between the parts and from the guests is encrypted', async () => {
  const ask = `select ssl, count(*) from pg_stat_ssl join pg_stat_activity using (pid) where client_addr is not null group by 1`
  const sessions = await plane.compose('exec', '-T', 'postgres', 'psql', '-Uredtrove', '-Atc', ask)
  expect(sessions.trim()).toMatch(/^t\|\d+$/)
  const listed = await plane.compose('exec', '-T', 'rabbitmq', 'rabbitmqctl', '-q', 'list_connections', 'ssl')
  const connections = listed.trim().split('\n').slice(1)
  // Two of each task manager, one of each API, one of each guest.
  expect(connections.length).toBeGreaterThanOrEqual(4 + 2 + set.ids.length)
  expect(new Set(connections)).toEqual(new Set(['true']))
})

it('each part sees what it needs, and logs are bounded', async () => {
  const listed = (part: string, folder: string) =>
    plane.compose('exec', '-T', part, 'ls', folder).then((text) => text.trim().split(/\s+/).filter(Boolean))
  expect(await listed('rabbitmq', '/services')).not.toContain('postgres-password')
  expect(await listed('postgres', '/services')).not.toContain('rabbitmq.conf')
  expect(await listed('api-1', '/var/lib/redtrove/run')).toEqual([])
  expect(await listed('taskmanager-1', '/var/lib/redtrove/run')).toContain('host.sock')
  const addresses = (await plane.compose('exec', '-T', 'rabbitmq', 'hostname', '-I')).trim().split(/\s+/)
  for (const address of addresses)
    expect([address, await accepts(address, 15_671)]).toEqual([address, !address.startsWith('172.31.')])
  const users = await plane.compose('exec', '-T', 'rabbitmq', 'rabbitmqctl', '-q', 'list_permissions')
  for (const id of set.ids) expect(users).toMatch(new RegExp(`redtrove-${id}\\s+\\^\\$\\s`))
  const containers = await clientOf(engine).listContainers({
    filters: { label: ['com.docker.compose.project=rt'] },
  })
  for (const { Id, Names } of containers) {
    const { HostConfig } = await clientOf(engine).getContainer(Id).inspect()
    expect(HostConfig.LogConfig?.Config, Names[0]).toMatchObject({ 'max-size': '10m' })
    expect(HostConfig.SecurityOpt, Names[0]).toContain('no-new-privileges:true')
  }
})

/** Whether anybody listens there. */
function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = tcp({ host, port, timeout: 5_000 }, () => settle(true))
    const settle = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('error', () => settle(false)).once('timeout', () => settle(false))
  })
}

it('a second setup leaves everything as it is', async () => {
  expect(await plane.compose('run', '--rm', '-T', 'setup')).toBe('')
})

it('a name that is added reaches the API’s certificate without a restart', async () => {
  const { port } = new URL(plane.endpoint)
  const named = () =>
    new Promise<boolean>((resolve) => {
      const trust = { ca: plane.ca, servername: 'db.example.org' }
      const socket = connect({ host: '127.0.0.1', port: Number(port), ...trust }, () => settle(true))
      const settle = (fits: boolean) => {
        socket.destroy()
        resolve(fits)
      }
      socket.once('error', () => settle(false))
    })
  expect(await named()).toBe(false)
  await plane.compose('run', '--rm', '-T', '-e', 'REDTROVE_API_NAMES=db.example.org', 'setup')
  await waitUntil('the new certificate is shown', named, Boolean, { timeoutMs: 30_000 })
})

it('the passwords of broker and database are changed by the words of docs/production.md', async () => {
  const secret = (name: string) =>
    plane.compose('exec', '-T', 'api-1', 'cat', `/var/lib/redtrove/secrets/${name}`)
  const before = await Promise.all(['amqp-url', 'database-url'].map(secret))
  for (const line of rotation()) await plane.compose(...line)
  const after = await Promise.all(['amqp-url', 'database-url'].map(secret))
  expect(after.filter((url) => before.includes(url))).toEqual([])
  // Agents have to come back with the new one.
  await plane.compose('restart', '-t', '10', 'rabbitmq')
  const [client] = plane.clients
  await waitUntil('the API answers', () => client.list(), Boolean, { timeoutMs: 60_000 })
  for (const id of set.ids) await client.healthy(id, 90_000)
  const source = await set.sourceId()
  const candidate = set.ids.find((id) => id !== source) ?? ''
  const { operationId } = await client.act(candidate, 'promote_to_replica_source')
  expect(await client.ended(operationId, 60_000)).toMatchObject({ state: 'done' })
}, 300_000)

/** The commands of the documentation, as `docker compose` gets them. */
function rotation(): readonly (readonly string[])[] {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'production.md'), 'utf8')
  const section = /\*\*New passwords\.\*\*[\s\S]*?\n\n((?: {4}.+\n)+)/.exec(text)?.[1] ?? ''
  const lines = [...section.matchAll(/^ {4}compose (.+)$/gm)].map(([, line = '']) => line)
  expect(lines.length).toBeGreaterThan(4)
  return lines.map((line) =>
    // No terminal here.
    [...line.matchAll(/'([^']*)'|(\S+)/g)].flatMap(([, quoted, word = '']) =>
      quoted !== undefined ? quoted : word === 'exec' || word === 'run' ? [word, '-T'] : word,
    ),
  )
}

it('each part restarted in turn under load: every promote that was accepted is carried out, no write is lost', async () => {
  const writers = writersOf(set, 'c')
  const states: string[] = []
  for (const part of ['taskmanager-1', 'taskmanager-2', 'api-1', 'api-2', 'host', 'rabbitmq', 'postgres']) {
    const restarting = plane.compose('restart', '-t', '10', part)
    const client = part === 'api-1' ? plane.clients[1] : plane.clients[0]
    const source = await set.sourceId().catch(() => set.ids[0] ?? '')
    const candidate = set.ids.find((id) => id !== source) ?? ''
    const answer = await client.act(candidate, 'promote_to_replica_source').catch(String)
    await restarting
    if (typeof answer !== 'string' && answer.status === 202) {
      const ended = await client.ended(answer.operationId, 120_000)
      expect(['done', 'rolled_back'], JSON.stringify(ended)).toContain(ended.state)
      states.push(`${part}: ${ended.state}`)
    } else states.push(`${part}: ${typeof answer === 'string' ? answer : answer.status}`)
    // Else the next promote would be asked of one that is not up yet.
    for (const api of plane.clients)
      await waitUntil('the API answers', () => api.list(), Boolean, { timeoutMs: 60_000 })
    for (const id of set.ids) await client.healthy(id, 90_000)
  }
  const ledger = await writers.stop()
  const source = await set.sourceId()
  const missing = await missingOn(set.endpointOf(source), set.password, 'c', ledger)
  console.log(
    `each part restarted: ${ledger.acks.length} acknowledged writes, ${missing.length} lost; promotes ${states.join(', ')}`,
  )
  expect(missing).toEqual([])
}, 600_000)
