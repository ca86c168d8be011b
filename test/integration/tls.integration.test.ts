import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestAuthority, testAuthority } from '../harness/certificates.js'
import { openstackBy } from '../harness/openstack-client.js'
import { type Postgres, startPostgres } from '../harness/postgres.js'
import { replicaSet } from '../harness/replica-set.js'
import { PROGRAM, processesOf, type Stack, startStack } from '../harness/stack.js'
import { startTlsBroker, type TlsBroker } from '../harness/tls-broker.js'

const run = promisify(execFile)

describe('npm start with TLS everywhere', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'redtrove-tls-'))
  let authority: TestAuthority
  let postgres: Postgres
  let broker: TlsBroker
  let stack: Stack

  beforeAll(async () => {
    authority = testAuthority()
    postgres = await startPostgres({ durable: false, identity: authority.issue('postgres', 'DNS:localhost') })
    broker = await startTlsBroker(authority.issue('broker', 'DNS:localhost'))
    const api = authority.issue('api', 'DNS:localhost')
    stack = await startStack({
      stateDir,
      ca: readFileSync(authority.ca, 'utf8'),
      env: {
        REDTROVE_API_CERT_FILE: api.cert,
        REDTROVE_API_KEY_FILE: api.key,
        REDTROVE_CA_FILE: authority.ca,
        REDTROVE_AMQP_URL: broker.url,
        REDTROVE_AMQP_CA_FILE: authority.ca,
        REDTROVE_DATABASE_URL: `${postgres.url.replace('127.0.0.1', 'localhost')}/postgres`,
        REDTROVE_DATABASE_CA_FILE: authority.ca,
      },
    })
  })
  afterAll(async () => {
    await stack?.stop()
    await broker?.stop()
    await postgres?.stop()
    authority?.remove()
    rmSync(stateDir, { recursive: true, force: true })
  })

  it('says an address that its certificate has, and clientrc says whom to trust', () => {
    expect(stack.url).toMatch(/^https:\/\/localhost:\d+\/v1\.0\/demo$/)
    const text = readFileSync(stack.clientrc, 'utf8')
    for (const line of [
      `REDTROVE_URL='${stack.url}'`,
      `OS_ENDPOINT='${stack.url}'`,
      `REDTROVE_CA_FILE='${authority.ca}'`,
      `OS_CACERT='${authority.ca}'`,
    ])
      expect(text).toContain(`export ${line}\n`)
  })

  it('serves a set; agents reach the broker, and both clients the API', async () => {
    const set = await replicaSet(stack, 'secured', 1)
    const ours = await run(process.execPath, [PROGRAM, 'instance', 'list', '--json'], {
      env: { PATH: process.env.PATH, REDTROVE_STATE_DIR: stateDir },
    })
    const ids = JSON.parse(ours.stdout).map(({ id }: { id: string }) => id)
    expect(ids.sort()).toEqual([...set.ids].sort())
    const theirs = await openstackBy(stack.clientrc).json<{ ID: string }[]>('database', 'instance', 'list')
    expect(theirs.map(({ ID }) => ID).sort()).toEqual([...set.ids].sort())
  })

  it('no command line holds an address with its password', () => {
    const lines = processesOf(stateDir).map(({ line }) => line)
    expect(lines.length).toBeGreaterThan(4)
    for (const line of lines) expect(line).not.toMatch(/amqps?:|postgres:\/\//)
  })
})
