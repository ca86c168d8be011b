import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../../../common/log.js'
import { keyRing } from '../../../common/secrets/key-ring.js'
import { generatePassword } from '../../../common/secrets/password.js'
import { findToken, staticTokens } from '../../../common/secrets/tokens.js'
import { readSettings, stateLayout } from '../../../common/settings/settings.js'
import { waitUntil } from '../../../common/wait-until.js'
import { passwordSchema } from '../../../domain/replication/credentials.js'

describe('settings', () => {
  it('have defaults, and nothing else of the environment matters', () => {
    expect(readSettings({ PATH: '/bin', REDTROVE_API_HOST: '' })).toMatchObject({
      REDTROVE_API_PORT: 8779,
      REDTROVE_API_HOST: '127.0.0.1',
      REDTROVE_COMPUTE: 'process',
    })
  })

  it('name every bad one at once', () => {
    const bad = {
      REDTROVE_API_PORT: '70000',
      REDTROVE_COMPUTE: 'cloud',
      REDTROVE_LEASE_MS: '0',
      REDTROVE_DATABASE_URL: 'mysql://x',
      REDTROVE_REPL_DISKLESS_SYNC: 'perhaps',
    }
    try {
      readSettings(bad)
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ kind: 'bad_setting' })
      for (const name of Object.keys(bad)) expect(String(error)).toContain(name)
    }
  })

  it('take options of a volume driver as words', () => {
    const read = (text: string) =>
      readSettings({ REDTROVE_DOCKER_VOLUME_OPTIONS: text }).REDTROVE_DOCKER_VOLUME_OPTIONS
    expect(read(' type=nfs  o=addr=10.0.0.1,rw size={gb}G ')).toEqual({
      type: 'nfs',
      o: 'addr=10.0.0.1,rw',
      size: '{gb}G',
    })
    for (const bad of ['size', '=1', 'a=1 b', 'a= b=1']) expect(() => read(bad)).toThrow(/must look like/)
  })

  it('may be in files', () => {
    const dir = mkdtempSync(join(tmpdir(), 'redtrove-settings-'))
    const file = join(dir, 'url')
    writeFileSync(file, 'amqp://user:secret@broker\n')
    try {
      const read = (env: Record<string, string>) => readSettings({ REDTROVE_AMQP_URL_FILE: file, ...env })
      expect(read({}).REDTROVE_AMQP_URL).toBe('amqp://user:secret@broker')
      expect(() => read({ REDTROVE_AMQP_URL: 'amqp://other' })).toThrow(/REDTROVE_AMQP_URL_FILE: .*only one/)
      expect(() => readSettings({ REDTROVE_AMQP_URL_FILE: join(dir, 'none') })).toThrow(
        /REDTROVE_AMQP_URL_FILE: .*cannot be read/,
      )
      writeFileSync(file, 'http://user:secret@broker')
      expect(() => read({})).toThrow(/REDTROVE_AMQP_URL: must start with/)
      expect(() => read({})).not.toThrow(/secret/)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it.each(["it's", 'a "b"', 'a\nb', 'a\u001b[2J', 'a\u0085b'])(
    'refuse a state directory that the private broker would hang in, or that breaks a line: %j',
    (name) => {
      const read = () => readSettings({ REDTROVE_STATE_DIR: `/srv/${name}/state` })
      expect(read).toThrow(/REDTROVE_STATE_DIR: its whole path must have no quotes .*choose another folder/)
      expect(read).not.toThrow(name)
    },
  )

  it('keep the socket path short enough, however deep the state directory is', () => {
    const deep = `/${'deep/'.repeat(40)}state`
    expect(Buffer.byteLength(stateLayout(deep).hostSocket)).toBeLessThanOrEqual(107)
    expect(stateLayout('/s').hostSocket).toBe('/s/run/host.sock')
  })
})

describe('a key ring', () => {
  const ring = keyRing(Buffer.alloc(32, 1))

  it('opens what it sealed, for the same purpose and key only', () => {
    fc.assert(
      fc.property(fc.string(), (plain) => {
        const sealed = ring.seal(plain, 'purpose')
        expect(ring.open(sealed, 'purpose')).toBe(plain)
        expect(() => ring.open(sealed, 'other')).toThrow(/cannot be opened/)
        expect(() => keyRing(Buffer.alloc(32, 2)).open(sealed, 'purpose')).toThrow(/cannot be opened/)
      }),
    )
  })

  it('notices every changed byte, and any text that is none of its own', () => {
    const sealed = ring.seal('secret', 'p')
    for (let i = 3; i < sealed.length; i++) {
      const changed = `${sealed.slice(0, i)}${sealed[i] === 'A' ? 'B' : 'A'}${sealed.slice(i + 1)}`
      // The last character of base64 may carry bits that mean nothing.
      if (Buffer.from(changed.slice(3), 'base64url').equals(Buffer.from(sealed.slice(3), 'base64url')))
        continue
      expect(() => ring.open(changed, 'p')).toThrow()
    }
    for (const text of ['', 'v1.', 'v1.AAAA', 'nonsense'])
      expect(() => ring.open(text, 'p')).toThrow(/cannot be opened/)
  })

  it('gives each instance and generation a key of its own', () => {
    const keys = [ring.instanceKey('a'), ring.instanceKey('b'), ring.instanceKey('a', 2)].map((key) =>
      key.toString('hex'),
    )
    expect(new Set(keys).size).toBe(3)
    expect(ring.instanceKey('a').toString('hex')).toBe(keys[0])
  })
})

it('a generated password is one that is accepted, and none of two is the same', () => {
  const some = Array.from({ length: 100 }, generatePassword)
  for (const password of some) expect(passwordSchema.safeParse(password).success).toBe(true)
  expect(new Set(some).size).toBe(100)
  for (const bad of ['short', 'with blank', 'quo"te-quote', "quo'te-quote", 'back\\slash', 'new\nline-x'])
    expect(passwordSchema.safeParse(bad).success).toBe(false)
})

describe('static tokens', () => {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-tokens-'))
  const file = join(dir, 'secrets', 'tokens.json')

  it('are made once, for their owner alone, and found again', () => {
    const made = staticTokens(file)
    expect(staticTokens(file)).toEqual(made)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(made.map(({ project, admin }) => [project, admin])).toEqual([
      ['demo', false],
      ['admin', true],
    ])
    expect(findToken(made, made[0]?.token ?? '')).toBe(made[0])
    expect(findToken(made, 'another')).toBeNull()
  })

  it('a damaged file stops the start instead of making new ones', () => {
    writeFileSync(file, '{"tokens": [')
    expect(() => staticTokens(file)).toThrow(/damaged/)
    rmSync(dir, { recursive: true })
  })
})

describe('waiting', () => {
  it('says what it waited for and what it last saw', async () => {
    let looks = 0
    await expect(
      waitUntil(
        'the sun rises',
        () => `look ${++looks > 0}`,
        () => false,
        { timeoutMs: 5, pollMs: 1 },
      ),
    ).rejects.toMatchObject({
      kind: 'guest_timeout',
      message: expect.stringMatching(/until the sun rises; last seen: "look true"/),
    })
  })

  it('takes a look that throws for not yet', async () => {
    let looks = 0
    const look = () => {
      looks += 1
      if (looks < 3) throw new Error('not there')
      return looks
    }
    expect(await waitUntil('it is there', look, (n) => n === 3, { timeoutMs: 1_000, pollMs: 1 })).toBe(3)
  })

  it('ends with its signal', async () => {
    const stop = new AbortController()
    const waiting = waitUntil(
      'nothing',
      () => 0,
      () => false,
      { timeoutMs: 60_000, pollMs: 60_000, signal: stop.signal },
    )
    stop.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow()
  })
})

it('a log line holds no secret, at any depth we use', () => {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-log-'))
  const file = join(dir, 'log')
  const log = createLogger('test', 'info', file)
  log.info({ password: 'canary-1', body: { credentials: 'canary-2', inner: { token: 'canary-3' } } }, 'said')
  const text = readFileSync(file, 'utf8')
  expect(text).toContain('said')
  expect(text).not.toContain('canary')
  rmSync(dir, { recursive: true })
})
