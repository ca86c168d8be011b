/* Stops at awkward moments of a start, and a broker that is away: the service as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createLogger } from '../../common/log.js'
import { waitUntil } from '../../common/wait-until.js'
import { brokerIdentity } from '../../supervisor/broker/identity.js'
import { type PrivateBroker, startPrivateBroker } from '../../supervisor/broker/private-broker.js'
import { clientRcOf } from '../harness/client-rc.js'
import { type NpmStart, npmStart } from '../harness/npm-start.js'
import { expectNothingLeft, PROGRAM, processesOf } from '../harness/stack.js'
import { troveClient } from '../harness/trove-client.js'

const STOP_MS_MAX = 10_000
const READY_MS_MAX = 90_000
const folders: string[] = []
const services: ChildProcess[] = []

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-stop-'))
  folders.push(dir)
  return dir
}

afterEach(async () => {
  const running = services.splice(0).filter(({ exitCode, signalCode }) => exitCode === null && !signalCode)
  for (const child of running) child.kill('SIGKILL')
})
afterAll(async () => {
  for (const dir of folders) {
    for (const { pid } of processesOf(dir)) process.kill(pid, 'SIGKILL')
    await expectNothingLeft(dir)
    rmSync(dir, { recursive: true, force: true })
  }
})

/** `serve all` that has just been started, and what it has said so far. */
function serveAll(stateDir: string, env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [PROGRAM, 'serve', 'all'], {
    env: { ...process.env, REDTROVE_API_PORT: '0', ...env, REDTROVE_STATE_DIR: stateDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  services.push(child)
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk
  })
  const until = (what: string, look: () => unknown, timeoutMs = 30_000) =>
    waitUntil(what, look, Boolean, {
      timeoutMs,
      pollMs: 20,
      describe: () => JSON.stringify({ ...output, code: child.exitCode }),
    })
  return {
    child,
    output,
    until,
    said: (text: string) => until(`it says ${text}`, () => output.stderr.includes(text)),
    runs: (program: string) => until(`${program} runs`, () => pidOf(stateDir, program)),
    ready: async () => {
      await until('it is ready', () => output.stdout.endsWith('\n'), READY_MS_MAX)
      const { url, token } = clientRcOf(stateDir)
      // What is printed may be kept for long, in a journal for example.
      expect(output.stdout).toBe(`redtrove ready: ${url} (its token is in ${join(stateDir, 'clientrc')})\n`)
      expect(output.stderr).not.toContain(token)
      return troveClient(url, token)
    },
    /** One wish that comes as two signals. Fails when it does not end well and soon, or leaves a process. */
    stops: async (signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' = 'SIGTERM') => {
      child.kill(signal)
      await setTimeout(10)
      child.kill(signal)
      await until('it has stopped', () => child.exitCode !== null || child.signalCode, STOP_MS_MAX)
      expect([child.exitCode, child.signalCode, output.stderr]).toEqual([
        0,
        null,
        expect.stringMatching(/redtrove: stopping \.\.\.\n$/),
      ])
      await expectNothingLeft(stateDir)
    },
  }
}

/** Pid of a process of this state directory, or 0. */
function pidOf(stateDir: string, program: string): number {
  return processesOf(stateDir).find(({ line }) => line.includes(program))?.pid ?? 0
}

/** Listens on a port as soon as it is free. */
async function take(port: number): Promise<() => void> {
  const server = createServer((socket) => socket.on('error', () => undefined))
  await waitUntil(
    `port ${port} is free`,
    async () => {
      await once(server.listen(port, '127.0.0.1'), 'listening')
      return true
    },
    Boolean,
    { timeoutMs: 10_000 },
  )
  return () => server.close()
}

describe('a service with a private broker', () => {
  const stateDir = folder()
  const portOf = () =>
    Number(new URL(readFileSync(join(stateDir, 'secrets', 'amqp-url'), 'utf8').trim()).port)

  it('is stopped before its broker runs', async () => {
    const service = serveAll(stateDir)
    await service.said('starting the message broker')
    await service.stops('SIGINT')
    expect(service.output.stdout).toBe('')
  })

  it('goes on when its broker had to take another port, and a killed one is stopped with its guests', async () => {
    const first = serveAll(stateDir)
    const client = await first.ready()
    const { id } = await client.createSource('kept')
    const before = portOf()
    // It stands still while somebody is quicker to take the port than the broker that is started again.
    first.child.kill('SIGSTOP')
    process.kill(pidOf(stateDir, 'beam.smp'), 'SIGKILL')
    const give = await take(before)
    first.child.kill('SIGCONT')
    await first.until('there is another address', () => portOf() !== before)
    const { operationId } = await client.act(id, 'restart')
    expect(await client.ended(operationId)).toMatchObject({ state: 'done' })
    give()

    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    const second = serveAll(stateDir)
    await second.until('the old broker is gone', () => !pidOf(stateDir, 'beam.smp'))
    expect(pidOf(stateDir, 'redis-server')).not.toBe(0)
    await second.runs('beam.smp')
    await second.stops()
    expect(second.output.stdout).toBe('')
  })
})

describe('a service with a broker of its user', () => {
  const stateDir = folder()
  const brokerDir = folder()
  let env: Record<string, string>
  let broker: PrivateBroker | undefined
  afterAll(() => broker?.stop())
  const ours = folder()
  /** The first start makes one; later ones bring it back. */
  const withInstance = async (dir: string) => {
    const { url, token } = clientRcOf(dir)
    const client = troveClient(url, token)
    if ((await client.list()).length === 0) await client.createSource('kept')
    await waitUntil('its redis-server runs', () => pidOf(dir, 'redis-server'), Boolean, { timeoutMs: 20_000 })
  }

  it('says what it waits for, and is stopped while it waits, also by a broker that is mute', async () => {
    const { user, password, ports } = await brokerIdentity(brokerDir)
    env = { REDTROVE_AMQP_URL: `amqp://${user}:${password}@127.0.0.1:${ports.amqp}/%2F` }
    const give = await take(ports.amqp)
    const service = serveAll(stateDir, env)
    await service.said(`waiting for the message broker at 127.0.0.1:${ports.amqp}`)
    expect(service.output.stderr).not.toContain(password)
    expect(readFileSync(join(stateDir, 'log', 'taskmanager.log'), 'utf8')).not.toContain(password)
    await service.stops()
    give()
  })

  it('is ready when the broker comes', async () => {
    const service = serveAll(stateDir, env)
    await service.said('waiting for the message broker')
    broker = await startPrivateBroker({ dir: brokerDir, log: createLogger('test', 'silent') })
    expect(broker.url).toBe(env.REDTROVE_AMQP_URL)
    await service.ready()
    await service.stops('SIGINT')
  })

  it('is stopped when the task manager and the API have just been started', async () => {
    const service = serveAll(stateDir, env)
    await service.runs('serve api')
    await service.stops('SIGINT')
  })

  describe.each<[string, keyof Pick<NpmStart, 'npm' | 'script'> | 'group', NodeJS.Signals, number]>([
    ['a process manager tells its group, twice', 'group', 'SIGTERM', 2],
    ['npm is told', 'npm', 'SIGTERM', 1],
    ['npm is killed', 'npm', 'SIGKILL', 1],
    ['its script is told, twice', 'script', 'SIGINT', 2],
    ['its script is killed', 'script', 'SIGKILL', 1],
  ])('by npm start with an instance, when %s', (_, whom, signal, times) => {
    it('is stopped and leaves nothing', async () => {
      const started = await npmStart({ ...env, REDTROVE_STATE_DIR: ours })
      await withInstance(ours)
      const pid = whom === 'group' ? -started.npm : started[whom]
      for (let time = 0; time < times; time += 1) {
        if (time > 0) await setTimeout(10)
        process.kill(pid, signal)
      }
      await started.ended()
      await expectNothingLeft(ours)
      console.log(`${signal} to ${whom}, ${times} times: nothing is left`)
    })
  })

  it('is stopped by npm start when its terminal is closed', async () => {
    const settings = { ...env, REDTROVE_STATE_DIR: ours, CLOUD_PASSWORD: 'unrelated' }
    const started = await npmStart(settings, { terminal: true })
    await withInstance(ours)
    // Children get what concerns them: the instance's nothing of the settings, which hold passwords.
    const variables = (program: string) =>
      readFileSync(`/proc/${pidOf(ours, program)}/environ`, 'utf8')
        .split('\0')
        .filter(Boolean)
    expect(variables('serve all')).toContain('CLOUD_PASSWORD=unrelated')
    for (const part of ['serve api', 'serve taskmanager', 'serve guestagent', 'redis-server'])
      expect(variables(part).join('\n')).not.toContain('CLOUD_PASSWORD')
    for (const part of ['serve guestagent', 'redis-server'])
      expect(variables(part).filter((line) => /^(REDTROVE_(?!TEST_RUN)|npm_|HOME=)/.test(line))).toEqual([])
    process.kill(started.holder, 'SIGKILL')
    await started.ended()
    await expectNothingLeft(ours)
    console.log('terminal closed: nothing is left')
  })

  it('is stopped as soon as its database is there', async () => {
    const fresh = folder()
    const service = serveAll(fresh, env)
    await service.until('a database', () => existsSync(join(fresh, 'redtrove.sqlite')))
    await service.stops()
  })
})
