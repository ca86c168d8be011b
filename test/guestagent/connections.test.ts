/* All connections of a server taken by clients that give no password: its agent must always have a way in. */
import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { connectionsMaxOf } from '../../domain/instance/flavor.js'
import { RESERVED_CONNECTIONS } from '../../guestagent/redis/client-list.js'
import { isFull } from '../../guestagent/redis/full-server.js'
import { type Flood, flood } from '../harness/flood.js'
import { anAssignment, type Guest, guestYard, tokens } from '../harness/guest.js'

const yard = guestYard()
const floods: Flood[] = []
afterEach(async () => {
  for (const each of floods.splice(0)) each.end()
  await yard.removeAll()
})

function flooded(guest: Guest, count: number, how: { again: boolean }): Flood {
  const started = flood(guest.endpoint, count, how)
  floods.push(started)
  return started
}

const until = (what: string, done: () => boolean | Promise<boolean>, timeoutMs = 20_000) =>
  waitUntil(what, done, (yes) => yes, { timeoutMs, pollMs: 20 })

describe('a server whose connections are all taken', () => {
  it('keeps a reserve for its agent, also for one that starts again, and takes clients that speak', async () => {
    const guest = await yard.source()
    const { ramMb } = guest.seed.spec
    const limit = connectionsMaxOf(ramMb)
    expect(await guest.root().call('config', 'get', 'maxclients')).toEqual([
      'maxclients',
      String(limit + RESERVED_CONNECTIONS),
    ])
    const silent = flooded(guest, limit + RESERVED_CONNECTIONS + 20, { again: false })
    await until(
      'those above the limit were closed',
      () => silent.open() > limit / 2 && silent.open() <= limit,
    )
    const server = guest.serverPid()
    await guest.closeAgent()
    await guest.openAgent()
    const seen = await guest.ready()
    console.log(`${silent.open()} silent connections, ${silent.closed()} closed, ${seen.clients} in all`)
    expect(seen.serverPid).toBe(server)
    const client = guest.client()
    expect(await client.set('k', 'v')).toBe('OK')
    const id = await client.client('ID')
    await until(
      'a silent one had to go for it',
      async () => Number((await guest.handlers.inspect({})).observation.clients) <= limit,
    )
    expect(await client.client('ID')).toBe(id)
  })

  it('that is full when its agent starts is started again with its data, and the agent is in first', async () => {
    const guest = await yard.guest(anAssignment(), { lockedOutMs: 500 })
    await guest.openAgent()
    await guest.beSource()
    await guest.ready()
    await guest.client().set('k', 'v')
    const server = guest.serverPid()
    await guest.closeAgent()
    const limit = connectionsMaxOf(guest.seed.spec.ramMb)
    const greedy = flooded(guest, limit + RESERVED_CONNECTIONS + 100, { again: true })
    await until('it is full', () => isFull(guest.paths.socket))
    await guest.openAgent()
    const seen = await guest.until(
      'its agent is in',
      ({ service, serverPid, fenced }) => service === 'running' && serverPid !== server && fenced === false,
      40_000,
    )
    console.log(
      `${greedy.open()} greedy connections, ${greedy.closed()} closed or refused, ${seen.clients} in all`,
    )
    expect(seen).toMatchObject({ role: 'source', keys: 1, fault: null })
    // And stays in, whatever is asked of it.
    const { observation } = await guest.handlers.restartServer({ token: tokens(2)('restart') })
    expect(observation).toMatchObject({ service: 'running', role: 'source', fenced: false, keys: 1 })
  })
})
