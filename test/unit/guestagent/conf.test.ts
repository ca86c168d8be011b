import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseServerVersion } from '../../../domain/datastore/server-version.js'
import { capabilitiesOf } from '../../../guestagent/redis/capabilities.js'
import { type ConfInput, confOf, FENCE_REPLICAS, mergeLayers } from '../../../guestagent/redis/conf.js'
import { type Directive, parseConf, renderConf, splitWords } from '../../../guestagent/redis/directive.js'
import { forVersion } from '../../../guestagent/redis/directive-names.js'
import { redisSync } from '../../../guestagent/strategies/replication/redis-sync.js'

const canOf = (version: string) => {
  const parsed = parseServerVersion(version)
  if (!parsed) throw new Error(version)
  return capabilitiesOf(parsed)
}

const credentials = { application: ['application-password'], replication: 'replication-password' }
const source = { host: '127.0.0.2', port: 6379 }

function input(version: string, facts: Partial<ConfInput> = {}): ConfInput {
  const can = canOf(version)
  return {
    can,
    assignment: {
      setId: '00000000-0000-4000-8000-000000000000',
      epoch: 1,
      role: 'source',
      source: null,
      credentials,
    },
    endpoint: { host: '127.0.0.3', port: 6379 },
    dataDir: '/guest/data',
    socket: '/guest/redis.sock',
    pidFile: '/guest/redis.pid',
    agentPassword: 'agent-password',
    dataBytes: 96 * 1024 * 1024,
    connectionsMax: 1000,
    replication: redisSync({ disklessSync: true, disklessSyncDelaySeconds: 5 }).directives(can),
    user: [],
    appendOnly: true,
    ...facts,
  }
}

const replicaFacts = { assignment: { ...input('7.0.15').assignment, role: 'replica' as const, source } }
const valuesOf = (conf: readonly Directive[], name: string) =>
  conf.filter(([key]) => key === name).map(([, ...args]) => args.join(' '))

describe('redis.conf', () => {
  it.each(['2.8.0', '3.0.7', '4.0.14', '5.0.14', '6.0.16', '6.2.14', '7.0.15', '7.2.4', '8.0.0'])(
    'of %s always fences, persists, protects and names each directive once where it must',
    (version) => {
      for (const facts of [{}, replicaFacts]) {
        const conf = confOf(input(version, facts))
        const fence = Number(version.split('.')[0]) >= 5 ? 'min-replicas' : 'min-slaves'
        expect(valuesOf(conf, `${fence}-to-write`)).toEqual([String(FENCE_REPLICAS)])
        expect(Number(valuesOf(conf, `${fence}-max-lag`)[0])).toBeGreaterThan(0)
        expect(valuesOf(conf, 'appendonly')).toEqual(['yes'])
        expect(valuesOf(conf, 'appendfsync')).toEqual(['everysec'])
        expect(valuesOf(conf, 'save').length).toBeGreaterThan(0)
        expect(valuesOf(conf, 'save')).not.toContain('')
        expect(valuesOf(conf, 'bind')).toEqual(['127.0.0.3'])
      }
    },
  )

  it('follows by the name that the version knows', () => {
    expect(valuesOf(confOf(input('4.0.14', replicaFacts)), 'slaveof')).toEqual(['127.0.0.2 6379'])
    expect(valuesOf(confOf(input('4.0.14', replicaFacts)), 'slave-read-only')).toEqual(['yes'])
    expect(valuesOf(confOf(input('7.0.15', replicaFacts)), 'replicaof')).toEqual(['127.0.0.2 6379'])
    expect(valuesOf(confOf(input('7.0.15')), 'replicaof')).toEqual([])
  })

  it('has accounts where the server knows them, else one password and hidden commands', () => {
    const modern = confOf(input('7.0.15'))
    expect(valuesOf(modern, 'user')).toHaveLength(3)
    expect(valuesOf(modern, 'requirepass')).toEqual([])
    expect(renderConf(modern)).not.toContain('application-password')
    const old = confOf(input('5.0.14'))
    expect(valuesOf(old, 'user')).toEqual([])
    expect(valuesOf(old, 'requirepass')).toEqual(['application-password'])
    const hidden = old.filter(([name]) => name === 'rename-command')
    expect(hidden.map(([, name]) => name)).toEqual(
      expect.arrayContaining(['config', 'slaveof', 'replicaof', 'shutdown', 'debug', 'module']),
    )
    expect(hidden.map(([, name]) => name)).not.toContain('psync')
    for (const [, , secret] of hidden) expect(secret).toMatch(/^[a-z]+-[0-9a-f]{32}$/)
  })

  it.each(['6.0.16', '6.2.14', '7.0.15', '8.1.1'])(
    'of %s gives no application what ends or freezes the server',
    (version) => {
      const [rules = ''] = valuesOf(confOf(input(version)), 'user').filter((line) =>
        line.startsWith('default '),
      )
      const words = rules.split(' ')
      expect(words).not.toContain('+client|unblock')
      expect(words).not.toContain('+script|debug')
      expect(words.some((word) => word === '-script' || word === '-script|debug')).toBe(true)
      expect(words).toEqual(expect.arrayContaining(['+slowlog', '+latency']))
    },
  )

  it('leaves out what a version does not know', () => {
    expect(valuesOf(confOf(input('2.8.10')), 'repl-diskless-sync')).toEqual([])
    expect(valuesOf(confOf(input('2.8.18')), 'repl-diskless-sync')).toEqual(['yes'])
    expect(valuesOf(confOf(input('6.2.0')), 'repl-diskless-sync-max-replicas')).toEqual([])
    expect(valuesOf(confOf(input('6.2.0')), 'enable-protected-configs')).toEqual([])
    expect(valuesOf(confOf(input('7.0.0')), 'enable-protected-configs')).toEqual(['no'])
  })

  it("takes a user's values where they harm nothing, and not where they do, by old names either", () => {
    const user: readonly Directive[] = [
      ['maxmemory-policy', 'allkeys-lru'],
      ['appendonly', 'no'],
      ['min-slaves-to-write', '0'],
      ['slave-read-only', 'no'],
      ['enable-debug-command', 'yes'],
      ['client-output-buffer-limit', 'slave', '1mb', '1mb', '1'],
    ]
    const conf = confOf(input('7.0.15', { user }))
    expect(valuesOf(conf, 'maxmemory-policy')).toEqual(['allkeys-lru'])
    expect(valuesOf(conf, 'appendonly')).toEqual(['yes'])
    expect(valuesOf(conf, 'min-slaves-to-write')).toEqual([])
    expect(valuesOf(conf, 'min-replicas-to-write')).toEqual([String(FENCE_REPLICAS)])
    expect(valuesOf(conf, 'slave-read-only')).toEqual([])
    expect(valuesOf(conf, 'enable-debug-command')).toEqual(['no'])
    expect(valuesOf(conf, 'client-output-buffer-limit')).toHaveLength(3)
  })
})

describe('layers', () => {
  it('replace a directive whole, however many lines it has', () => {
    const merged = mergeLayers([
      [
        ['save', '900', '1'],
        ['save', '60', '1'],
        ['hz', '10'],
      ],
      [['save', '30', '1']],
    ])
    expect(merged).toEqual([
      ['save', '30', '1'],
      ['hz', '10'],
    ])
  })

  it('are stable: merging again and writing for a version again change nothing', () => {
    const can = canOf('4.0.14')
    const conf = confOf(input('4.0.14', replicaFacts))
    expect(mergeLayers([conf])).toEqual(conf)
    expect(forVersion(conf, can)).toEqual(conf)
  })
})

describe('the text of a redis.conf', () => {
  const word = fc.string({ unit: 'binary', maxLength: 20 })
  const name = fc.stringMatching(/^[a-z][a-z-]{0,20}$/)

  it('reads back as what was written, whatever is in the words, and no word makes a second line', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.array(word, { maxLength: 4 }))), (given) => {
        const directives = given.map(([first, rest]): Directive => [first, ...rest])
        const text = renderConf(directives)
        expect(text.split('\n')).toHaveLength(Math.max(1, directives.length) + 1)
        expect(parseConf(text)).toEqual(directives)
      }),
    )
  })

  it('of any kind is read without an exception', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseConf(text)))
  })

  it('keeps comments and blanks out, and knows an open quote', () => {
    expect(parseConf('# a\n\n  SAVE 1 2  \nuser x #abc "a\\x41\\n" \'b c\'\n')).toEqual([
      ['save', '1', '2'],
      ['user', 'x', '#abc', 'aA\n', 'b c'],
    ])
    expect(parseConf('dir "open')).toBeNull()
    expect(splitWords('a "b"c')).toBeNull()
  })
})

describe('versions', () => {
  it('are read out of what redis-server prints', () => {
    expect(parseServerVersion('v=7.0.15')).toEqual({ major: 7, minor: 0, patch: 15 })
    expect(parseServerVersion('nothing here')).toBeNull()
  })

  it('older than 2.8 are refused with what was found', () => {
    expect(() => canOf('2.6.17')).toThrow(/2\.6\.17/)
    expect(() => canOf('2.8.0')).not.toThrow()
  })

  it('tell what a server can do', () => {
    expect(canOf('6.0.16')).toMatchObject({ acl: true, pauseWrites: false, aclSubcommands: false })
    expect(canOf('6.2.0')).toMatchObject({ pauseWrites: true, aclChannels: true })
    expect(canOf('10.0.0')).toMatchObject({ acl: true, resumesFromRdb: true })
    expect(canOf('5.0.0')).toMatchObject({ acl: false, replicaNames: true })
  })
})
