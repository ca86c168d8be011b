/* A redis-server that runs and answers nobody: what its agent says of it, and that a restart needs no answer. */
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import type { Observation } from '../../domain/instance/observation.js'
import { anAssignment, CREDENTIALS, type Guest, guestYard, tokens } from '../harness/guest.js'

const yard = guestYard()
afterEach(yard.removeAll)

const ENDLESS = 'while true do end'

/** Has it answer BUSY at once, and not after five seconds. */
async function impatient(guest: Guest): Promise<Guest> {
  await guest.root().call('config', 'set', 'busy-reply-threshold', '50')
  return guest
}

/** Nobody waits for its answer: it never comes. */
function keepBusy(guest: Guest, script: string): Promise<Observation> {
  void guest
    .client()
    .eval(script, 0)
    .catch(() => undefined)
  return guest.until('it is said to be kept busy', ({ fault }) => /busy/.test(fault ?? ''))
}

const logOf = (guest: Guest) => readFileSync(guest.paths.log, 'utf8')

describe('a server that does not answer', () => {
  it('is slow at first, and never said to be starting or shut down', async () => {
    const guest = await yard.source()
    const before = guest.reports.length
    process.kill(guest.serverPid(), 'SIGSTOP')
    const seen = await guest.until('it is slow', ({ service }) => service !== 'running')
    expect(seen).toMatchObject({ service: 'slow', role: null, fault: null })
    process.kill(guest.serverPid(), 'SIGCONT')
    await guest.ready()
    const said = new Set(guest.reports.slice(before).map(({ service }) => service))
    expect([...said].filter((service) => !['running', 'slow'].includes(service))).toEqual([])
  })

  it('gets the passwords that it could not take as soon as it answers', async () => {
    const guest = await impatient(await yard.source())
    const root = guest.root()
    await root.ping()
    await keepBusy(guest, ENDLESS)
    const credentials = { ...CREDENTIALS, application: ['application-password-2'] }
    const change = guest.handlers.setCredentials({ token: tokens(2)('passwords'), credentials })
    await expect(change).rejects.toThrow(/BUSY.*restart the instance/)
    guest.answer = { ...guest.seed.spec.assignment, epoch: 2, credentials }
    await root.call('script', 'kill')
    const asNew = () => guest.client('application-password-2').ping()
    await waitUntil('the new password is taken', asNew, (said) => said === 'PONG', { timeoutMs: 15_000 })
  })
})

describe('a restart of a server that does not answer', () => {
  it('ends a frozen one and starts it as what it is to be, with its data', async () => {
    const guest = await yard.source()
    await guest.client().set('k', 'v')
    const pid = guest.serverPid()
    process.kill(pid, 'SIGSTOP')
    const { setId } = guest.seed.spec.assignment
    const assignment = anAssignment({ setId, epoch: 2, role: 'ejected' })
    const { observation } = await guest.handlers.restartServer({ token: tokens(2)('restart'), assignment })
    expect(observation).toMatchObject({ service: 'running', fenced: true, fault: null })
    expect(observation.accepted).toMatchObject({ epoch: 2, role: 'ejected' })
    expect(observation.serverPid).not.toBe(pid)
    expect(await guest.client().get('k')).toBe('v')
    await expect(guest.client().set('k', 'w')).rejects.toThrow(/NOREPLICAS/)
  })

  it('ends a script that has written, with every acknowledged write kept and nothing of the script', async () => {
    const guest = await impatient(await yard.source())
    const client = guest.client()
    for (let n = 0; n < 100; n++) await client.set(`k${n}`, 'v')
    const busy = await keepBusy(guest, `redis.call('set', 'half', '1') ${ENDLESS}`)
    expect(busy).toMatchObject({ service: 'unresponsive', role: null })
    expect(busy.fault).toMatch(/SCRIPT KILL.*restart the instance.*eject/)
    const { observation } = await guest.handlers.restartServer({ token: tokens(1)('restart') })
    expect(observation).toMatchObject({ service: 'running', role: 'source', fenced: false, fault: null })
    expect(await guest.client().dbsize()).toBe(100)
    expect(await guest.client().get('half')).toBeNull()
    expect(await guest.client().set('after', '1')).toBe('OK')
  })

  it('ends a script that has only read, on a replica, which goes on where it was', async () => {
    const source = await yard.source()
    const replica = await impatient(await yard.replicaOf(source))
    await keepBusy(replica, `redis.call('get', 'k') ${ENDLESS}`)
    const { observation } = await replica.handlers.restartServer({ token: tokens(1)('restart') })
    expect(observation).toMatchObject({ service: 'running', role: 'replica', link: 'up', fault: null })
    expect((await source.handlers.inspect({})).observation).toMatchObject({ syncFull: 1, syncPartialOk: 1 })
  })

  it('ends a function that has only read, with no copy for its replica', async () => {
    const source = await impatient(await yard.source())
    await yard.replicaOf(source)
    const library = `#!lua name=l\nredis.register_function('spin', function() ${ENDLESS} end)`
    await source.client().call('function', 'load', library)
    void source
      .client()
      .call('fcall', 'spin', '0')
      .catch(() => undefined)
    await source.until('it is said to be kept busy', ({ fault }) => /busy/.test(fault ?? ''))
    const { observation } = await source.handlers.restartServer({ token: tokens(1)('restart') })
    expect(observation).toMatchObject({ service: 'running', role: 'source', fenced: false })
    await source.until('its replica is back', ({ syncPartialOk }) => syncPartialOk === 1)
    expect((await source.handlers.inspect({})).observation.syncFull).toBe(0)
    expect(logOf(source)).toMatch(/DB saved on disk/)
  })

  it('stops one cleanly that has no connection left for its agent', async () => {
    const guest = await yard.source()
    const clients = [guest.client(), guest.client(), guest.client(), guest.client()]
    await Promise.all(clients.map((client) => client.ping()))
    await guest.client().set('k', 'v')
    const root = guest.root()
    await root.call('config', 'set', 'maxclients', '3')
    await root
      .call('client', 'kill', 'type', 'normal', 'user', 'agent', 'skipme', 'no')
      .catch(() => undefined)
    await guest.until('the agent is locked out', ({ fault }) => /max number of clients/.test(fault ?? ''))
    const { observation } = await guest.handlers.restartServer({ token: tokens(1)('restart') })
    expect(observation).toMatchObject({ service: 'running', role: 'source', fenced: false, fault: null })
    expect(await guest.client().get('k')).toBe('v')
    expect(logOf(guest)).toMatch(/DB saved on disk/)
  })
})
