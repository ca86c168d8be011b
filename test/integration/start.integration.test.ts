import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'amqplib'
import { afterAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { withAccount } from '../../wire/broker/account.js'
import { replicaSet, withRedis } from '../harness/replica-set.js'
import { expectNothingLeft, PROGRAM, processesOf, type Stack, startStack } from '../harness/stack.js'

/** With what people have in the names of their folders, and what a shell or a URL would stumble over. */
const stateDir = mkdtempSync(join(tmpdir(), 'rt ü数 %20#?$HOME;*&(-'))
afterAll(async () => {
  for (const { pid } of processesOf(stateDir)) process.kill(pid, 'SIGKILL')
  await expectNothingLeft(stateDir)
  rmSync(stateDir, { recursive: true, force: true })
})

/** Runs the program to its end. */
function runToEnd(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 60_000 }
    execFile(process.execPath, [PROGRAM, ...args], options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0
      resolve({ code, stdout, stderr })
    })
  })
}

describe('npm start', () => {
  let stack: Stack
  let source: { id: string; password: string }
  let replicas: readonly string[]
  const read = async (key: string) =>
    withRedis(await stack.client.addressOf(source.id), source.password, (redis) => redis.get(key))

  it('names every bad setting at once and exits 78', async () => {
    const env = { REDTROVE_STATE_DIR: stateDir, REDTROVE_API_PORT: 'many', REDTROVE_HEARTBEAT_MS: '-1' }
    const { code, stderr, stdout } = await runToEnd(['serve', 'all'], env)
    expect(code).toBe(78)
    expect(stderr).toMatch(
      /REDTROVE_API_PORT[\s\S]*REDTROVE_HEARTBEAT_MS|REDTROVE_HEARTBEAT_MS[\s\S]*REDTROVE_API_PORT/,
    )
    expect(stdout).toBe('')
  })

  it('says so when redis-server is missing, and leaves nothing', async () => {
    const { code, stderr } = await runToEnd(['serve', 'all'], {
      REDTROVE_STATE_DIR: stateDir,
      REDTROVE_API_PORT: '0',
      REDTROVE_REDIS_SERVER: 'no-such-server',
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/no-such-server cannot be run: install Redis/)
    await expectNothingLeft(stateDir)
  })

  it('writes clientrc for both clients, readable by its owner alone', async () => {
    stack = await startStack({ stateDir })
    expect(stack.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1\.0\/demo$/)
    const text = readFileSync(stack.clientrc, 'utf8')
    for (const line of [
      `REDTROVE_URL='${stack.url}'`,
      `OS_ENDPOINT='${stack.url}'`,
      `OS_TOKEN='${stack.token}'`,
      "OS_AUTH_TYPE='admin_token'",
    ]) {
      expect(text).toContain(`export ${line}\n`)
    }
    expect(statSync(stack.clientrc).mode & 0o777).toBe(0o600)
    expect(statSync(stateDir).mode & 0o077).toBe(0)
  })

  it('refuses a second start on the same state directory', async () => {
    const { code, stderr } = await runToEnd(['serve', 'all'], {
      REDTROVE_STATE_DIR: stateDir,
      REDTROVE_API_PORT: '0',
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/in use by another process/)
  })

  it('says so when its port is taken', async () => {
    const other = mkdtempSync(join(tmpdir(), 'redtrove-start-'))
    const { code, stderr } = await runToEnd(['serve', 'all'], {
      REDTROVE_STATE_DIR: other,
      REDTROVE_API_PORT: new URL(stack.url).port,
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/another process has it; set REDTROVE_API_PORT/)
    await expectNothingLeft(other)
    rmSync(other, { recursive: true, force: true })
  })

  it('stops everything, and a restart brings everything back with its data', async () => {
    const set = await replicaSet(stack, 'kept', 1)
    source = { id: await set.sourceId(), password: set.password }
    replicas = set.ids.filter((id) => id !== source.id)
    await withRedis(await stack.client.addressOf(source.id), source.password, (redis) =>
      redis.set('kept', 'yes'),
    )
    await stack.stop()
    stack = await startStack({ stateDir })
    await stack.client.healthy(source.id)
    for (const id of replicas) await stack.client.healthy(id)
    expect(await read('kept')).toBe('yes')
    const wrote = await waitUntil(
      'the source takes writes',
      () => withRedis(set.endpointOf(source.id), source.password, (redis) => redis.set('again', '1')),
      Boolean,
      { timeoutMs: 20_000 },
    )
    expect(wrote).toBe('OK')
    await set.linksUp(source.id)
  })

  it('gives a guest an account of the broker that opens nothing of others', async () => {
    const seed = JSON.parse(readFileSync(join(stateDir, 'guests', source.id, 'seed.json'), 'utf8'))
    const address = readFileSync(seed.amqpUrlFile, 'utf8').trim()
    expect(new URL(address)).toMatchObject({ username: '', password: '' })
    const own = await connect(withAccount(address, seed.spec.brokerAccount))
    own.on('error', () => {})
    const refused: string[] = []
    for (const queue of ['redtrove.rings', 'redtrove.reports', `redtrove.guest.${replicas[0]}.control`]) {
      const channel = await own.createChannel()
      channel.on('error', (error) => refused.push(String(error)))
      await channel.get(queue).catch(() => {})
    }
    await own.close()
    expect(refused).toHaveLength(3)
    expect(refused.join()).toMatch(/^([^,]*ACCESS.REFUSED[^,]*,?)+$/s)
  })

  it.each(['api', 'taskmanager'])('starts %s again after kill -9', async (part) => {
    const before = stack.partPid(part)
    process.kill(before, 'SIGKILL')
    await waitUntil(
      `another ${part} runs`,
      () => stack.partPid(part),
      (pid) => pid !== 0 && pid !== before,
      { timeoutMs: 20_000 },
    )
    const answer = await waitUntil(
      'a restart is accepted',
      () => stack.client.act(replicas[0] ?? '', 'restart'),
      ({ status }) => status === 202,
      { timeoutMs: 20_000 },
    )
    expect((await stack.client.ended(answer.operationId)).state).toBe('done')
  })

  it('the broker killed: what is accepted meanwhile is carried out when it is back', async () => {
    const broker = processesOf(stateDir).find(({ line }) => line.includes('beam.smp'))
    process.kill(broker?.pid ?? 0, 'SIGKILL')
    const answer = await stack.client.act(replicas[0] ?? '', 'promote_to_replica_source')
    expect(answer.status).toBe(202)
    expect(await stack.client.ended(answer.operationId, 60_000)).toMatchObject({ state: 'done' })
    expect((await stack.client.show(replicas[0] ?? '')).replicas).toHaveLength(1)
    for (const id of [source.id, ...replicas]) await stack.client.healthy(id)
  })

  it('killed with -9 itself: servers go on, the next start takes them over', async () => {
    const leader = replicas[0] ?? ''
    const { serverPid } = stack.guest(leader)
    process.kill(stack.pid, 'SIGKILL')
    const endpoint = await stack.client.addressOf(leader).catch(() => null)
    await waitUntil(
      'api and taskmanager are gone',
      () => stack.partPid('api') + stack.partPid('taskmanager'),
      (pids) => pids === 0,
      { timeoutMs: 20_000 },
    )
    stack = await startStack({ stateDir })
    await stack.client.healthy(leader)
    expect(stack.guest(leader).serverPid).toBe(serverPid)
    const address = endpoint ?? (await stack.client.addressOf(leader))
    expect(await withRedis(address, source.password, (redis) => redis.set('after', '1'))).toBe('OK')
  })

  it('stops clean at the end', async () => {
    await stack.stop()
  })
})
