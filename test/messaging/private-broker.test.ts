import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createLogger } from '../../common/log.js'
import { findBroker } from '../../supervisor/broker/install.js'
import { keepBroker } from '../../supervisor/broker/keep-broker.js'
import { type PrivateBroker, startPrivateBroker } from '../../supervisor/broker/private-broker.js'
import { probeBroker } from '../../wire/broker/session.js'

const log = createLogger('test', 'silent')
const folders: string[] = []
const brokers: PrivateBroker[] = []

/** With a blank in its name, which must not break an argument apart, and letters that are in no table of the broker's. */
function folder(): string {
  const dir = join(mkdtempSync(join(tmpdir(), 'redtrove-')), `broker ü数 ${randomUUID().slice(0, 4)}`)
  folders.push(dir)
  return dir
}

async function start(dir: string, options: { path?: string; startMs?: number } = {}): Promise<PrivateBroker> {
  const broker = await startPrivateBroker({ dir, log, ...options })
  brokers.push(broker)
  return broker
}

afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.stop()))
  for (const dir of folders.splice(0)) rmSync(join(dir, '..'), { recursive: true, force: true })
})

function processesOf(dir: string): number[] {
  const { beam, epmd } = JSON.parse(readFileSync(join(dir, 'processes.json'), 'utf8'))
  return [beam, epmd]
}

const isRunning = (pid: number) => existsSync(`/proc/${pid}`)

describe('the private broker', () => {
  test('starts with a user of its own and secrets for the owner only, keeps its address, leaves no process', async () => {
    const dir = folder()
    const lines: string[] = []
    const first = await startPrivateBroker({ dir, log, onLine: (line) => lines.push(line) })
    brokers.push(first)
    expect(lines.some((line) => line.includes('Starting RabbitMQ'))).toBe(true)
    const guest = first.url.replace(/\/\/[^@]+@/, '//guest:guest@')
    await expect(probeBroker(guest)).rejects.toThrow(/ACCESS.REFUSED/)
    const mode = (name: string) => statSync(join(dir, name)).mode & 0o777
    expect(['.', 'identity.json', 'advanced.config', '.erlang.cookie'].map(mode)).toEqual([
      0o700, 0o600, 0o600, 0o400,
    ])
    const started = processesOf(dir)
    expect(started.map(isRunning)).toEqual([true, true])
    await first.stop()
    await first.stop()
    expect(await first.exited).toEqual({ code: 0, signal: null })
    expect(started.map(isRunning)).toEqual([false, false])

    // Somebody else has taken the port mapper's port meanwhile: that one changes, not the one that clients know.
    const taken = JSON.parse(readFileSync(join(dir, 'identity.json'), 'utf8')).ports.epmd
    const thief = createServer().listen(taken, '127.0.0.1')
    await once(thief, 'listening')
    const second = await start(dir).finally(() => thief.close())
    expect(second.url).toBe(first.url)
    expect(second.pid).not.toBe(first.pid)
  })

  test('what a killed supervisor left running is ended first, and only that', async () => {
    const dir = folder()
    const left = await start(dir)
    const again = await start(dir)
    expect(isRunning(left.pid)).toBe(false)
    expect(again.url).toBe(left.url)
    await probeBroker(again.url)
  })

  test('after kill -9 of the broker its port mapper goes too', async () => {
    const dir = folder()
    const broker = await start(dir)
    const started = processesOf(dir)
    process.kill(broker.pid, 'SIGKILL')
    expect(await broker.exited).toEqual({ code: null, signal: 'SIGKILL' })
    await broker.stop()
    await expect.poll(() => started.map(isRunning)).toEqual([false, false])
  })

  test('a kept one that is just being started again is stopped at once', async () => {
    const dir = folder()
    const urls: string[] = []
    const onUrl = (url: string) => urls.push(url)
    const kept = await keepBroker({ dir, log, onUrl, signal: new AbortController().signal })
    const [first = 0] = processesOf(dir)
    process.kill(first, 'SIGKILL')
    await expect.poll(() => processesOf(dir)[0], { timeout: 10_000 }).not.toBe(first)
    const started = processesOf(dir)
    await kept.stop()
    expect(started.map(isRunning)).toEqual([false, false])
    expect(urls).toHaveLength(1)
  })

  test('one that does not come up in time is ended, and the failure says what it last said', async () => {
    const dir = folder()
    await expect(start(dir, { startMs: 1 })).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/^The private broker did not start\. .*Its last words/),
    })
    await expect.poll(() => processesOf(dir).map(isRunning)).toEqual([false, false])
  })
})

test('a machine without rabbitmq-server is told what to install', () => {
  expect(() => findBroker('/nonexistent', [])).toThrow(/apt-get install rabbitmq-server/)
})
