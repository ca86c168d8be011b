/* The agent as the process it is in life, killed and started again around a redis-server that must not notice. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { identify, isAlive, readPidFile } from '../../common/processes/process-identity.js'
import { waitUntil } from '../../common/wait-until.js'
import { replaceSlot } from '../../guestagent/memory/slots-file.js'
import { anAssignment, type Guest, guestYard, PASSWORD } from '../harness/guest.js'

const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'redtrove.ts')
const yard = guestYard()
const agents: ChildProcess[] = []

afterEach(async () => {
  for (const agent of agents.splice(0))
    if (agent.exitCode === null && agent.signalCode === null) agent.kill('SIGKILL')
  await yard.removeAll()
})

/** Runs the agent in a process of its own; its broker is away, which must keep it from nothing. */
function runAgent(guest: Guest): ChildProcess {
  const seedFile = join(guest.paths.dir, 'seed.json')
  writeFileSync(guest.seed.amqpUrlFile, 'amqp://guest:guest@127.0.0.1:1', { mode: 0o600 })
  writeFileSync(seedFile, JSON.stringify(guest.seed), { mode: 0o600 })
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', PROGRAM, 'serve', 'guestagent', '--seed', seedFile],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  agents.push(child)
  return child
}

async function ended(child: ChildProcess): Promise<number | string | null> {
  await waitUntil(
    'the agent has ended',
    () => child.exitCode ?? child.signalCode,
    (code) => code !== null,
    {
      timeoutMs: 15_000,
    },
  )
  return child.exitCode ?? child.signalCode
}

async function takesWrites(guest: Guest, key: string): Promise<void> {
  const client = guest.client()
  await waitUntil(
    'the server takes writes',
    () => client.set(key, 'v').catch((error: Error) => error.message),
    (answer) => answer === 'OK',
    { timeoutMs: 15_000 },
  )
  client.disconnect()
}

/** One that was told that it leads, and stopped. */
async function bornSource(): Promise<Guest> {
  const guest = await yard.source()
  await guest.closeAgent({ withServer: true })
  return guest
}

const agentOf = (guest: Guest) => readPidFile(guest.paths.agentPid)?.pid ?? 0

describe('an agent process', () => {
  it('that is killed leaves redis-server alone, and the next one takes it over without a word to its clients', async () => {
    const guest = await bornSource()
    const first = runAgent(guest)
    await takesWrites(guest, 'before')
    expect(agentOf(guest)).toBe(first.pid)
    const serverPid = guest.serverPid()
    const client = guest.client()
    const id = await client.client('ID')
    first.kill('SIGKILL')
    await ended(first)
    expect(await client.set('between', 'v')).toBe('OK')

    const second = runAgent(guest)
    await waitUntil(
      'the next agent has the folder',
      () => agentOf(guest),
      (pid) => pid === second.pid,
      {
        timeoutMs: 15_000,
      },
    )
    // Adopted, a crash of the server is noticed and mended as a child's is.
    expect(guest.serverPid()).toBe(serverPid)
    expect(await client.client('ID')).toBe(id)
    expect(await client.set('after', 'v')).toBe('OK')
    process.kill(serverPid, 'SIGKILL')
    await takesWrites(guest, 'much later')
    expect(guest.serverPid()).not.toBe(serverPid)
    expect(await guest.client().exists('before', 'between')).toBe(2)
  })

  it('does not run beside another one in the same folder', async () => {
    const guest = await bornSource()
    const first = runAgent(guest)
    await takesWrites(guest, 'k')
    const second = runAgent(guest)
    expect(await ended(second)).toBe(1)
    expect(first.exitCode).toBeNull()
    expect(agentOf(guest)).toBe(first.pid)
    await takesWrites(guest, 'k')
  })

  it('stops redis-server cleanly with SIGTERM, and leaves it running with SIGHUP', async () => {
    const guest = await bornSource()
    const first = runAgent(guest)
    await takesWrites(guest, 'k')
    const server = identify(guest.serverPid())
    first.kill('SIGHUP')
    expect(await ended(first)).toBe(0)
    expect(server && isAlive(server)).toBe(true)

    const second = runAgent(guest)
    await waitUntil(
      'the next agent has the folder',
      () => agentOf(guest),
      (pid) => pid === second.pid,
      {
        timeoutMs: 15_000,
      },
    )
    // Signals often come twice, from a group's and a parent's; the first must not be cut short by the second.
    second.kill('SIGTERM')
    second.kill('SIGINT')
    expect(await ended(second)).toBe(0)
    expect(server && isAlive(server)).toBe(false)
    expect(existsSync(guest.paths.serverPid)).toBe(false)
    expect(existsSync(guest.paths.agentPid)).toBe(false)

    runAgent(guest)
    await takesWrites(guest, 'later')
    expect(await guest.client().get('k')).toBe('v')
  })

  it('finishes as a replica what an agent that died had only accepted', async () => {
    const source = await yard.source()
    const guest = await yard.source()
    await guest.closeAgent()
    // The death between writing down the order and carrying it out.
    const { setId } = source.seed.spec.assignment
    const state = {
      epoch: 2,
      attempt: 1,
      assignment: anAssignment({ setId, epoch: 2, role: 'replica', source: source.endpoint }),
      hadReplicas: true,
      stopped: false,
      startFromRdb: false,
      outcomes: [],
    }
    await replaceSlot(guest.paths.state, JSON.stringify(state))
    await guest.openAgent()
    const seen = await guest.until('it follows', ({ role, link }) => role === 'replica' && link === 'up')
    expect(seen.fenced).toBe(true)
    await expect(guest.client(PASSWORD).set('k', 'v')).rejects.toThrow(/READONLY/)
  })
})
