import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { observationSchema } from '../../../domain/instance/observation.js'
import { infoFacts, isPersistenceOk, parseInfo } from '../../../guestagent/redis/info.js'
import { lastWords } from '../../../guestagent/server/server-log.js'
import { observed } from '../../harness/observed.js'

const SOURCE = `# Server\r
redis_version:7.0.15\r
process_id:42\r
# Clients\r
connected_clients:3\r
# Memory\r
used_memory:1048576\r
maxmemory:0\r
# Persistence\r
loading:0\r
rdb_last_bgsave_status:ok\r
aof_enabled:1\r
aof_rewrite_in_progress:0\r
aof_rewrite_scheduled:0\r
aof_last_bgrewrite_status:ok\r
aof_last_write_status:ok\r
# Stats\r
sync_full:2\r
sync_partial_ok:1\r
sync_partial_err:0\r
# Replication\r
role:master\r
connected_slaves:2\r
slave0:ip=127.0.0.2,port=6379,state=online,offset=1400,lag=1\r
slave1:ip=127.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0\r
master_replid:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r
master_replid2:0000000000000000000000000000000000000000\r
master_repl_offset:1414\r
second_repl_offset:-1\r
# Keyspace\r
db0:keys=3,expires=0,avg_ttl=0\r
db5:keys=4,expires=1,avg_ttl=9\r
`

const REPLICA = SOURCE.replace('role:master', 'role:slave').replace(
  'connected_slaves:2',
  [
    'master_host:127.0.0.9',
    'master_port:6379',
    'master_link_status:up',
    'master_last_io_seconds_ago:1',
    'master_sync_in_progress:0',
    'slave_repl_offset:1400',
  ].join('\r\n'),
)

describe('INFO', () => {
  it('of a source', () => {
    expect(infoFacts(SOURCE)).toMatchObject({
      serverVersion: '7.0.15',
      role: 'source',
      offset: 1414,
      following: null,
      link: null,
      keys: 7,
      syncFull: 2,
      connectedReplicas: [
        { host: '127.0.0.2', port: 6379, state: 'online', offset: 1400, lagSeconds: 1 },
        { host: '127.0.0.3', port: 6379, state: 'wait_bgsave', offset: 0, lagSeconds: 0 },
      ],
    })
    expect(isPersistenceOk(infoFacts(SOURCE).persistence)).toBe(true)
  })

  it('of a replica, in each state of its link', () => {
    expect(infoFacts(REPLICA)).toMatchObject({
      role: 'replica',
      offset: 1400,
      following: { host: '127.0.0.9', port: 6379 },
      link: 'up',
      lastIoSecondsAgo: 1,
      connectedReplicas: [],
    })
    const down = REPLICA.replace('link_status:up', 'link_status:down').replace(
      'io_seconds_ago:1',
      'io_seconds_ago:-1',
    )
    expect(infoFacts(down)).toMatchObject({ link: 'down', lastIoSecondsAgo: -1 })
    expect(infoFacts(down.replace('sync_in_progress:0', 'sync_in_progress:1')).link).toBe('syncing')
  })

  it.each([
    ['copies for the first time', 0],
    ['copies again', 1370],
  ])('of a replica that %s: its place is that of its data', (_what, own) => {
    const link = 'role:slave\r\nmaster_link_status:down\r\nmaster_sync_in_progress:1\r\nslave_repl_offset:1'
    const text = `${link}\r\nmaster_replid:${'a'.repeat(40)}\r\nmaster_repl_offset:${own}\r\n`
    expect(infoFacts(text)).toMatchObject({ link: 'syncing', offset: own })
  })

  it.each(['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status'])(
    'with %s:err is not good persistence',
    (field) => {
      const text = SOURCE.replace(`${field}:ok`, `${field}:err`)
      expect(isPersistenceOk(infoFacts(text).persistence)).toBe(false)
    },
  )

  it('without an append-only file is not good persistence, and torn text says nothing', () => {
    expect(isPersistenceOk(infoFacts(SOURCE.replace('aof_enabled:1', 'aof_enabled:0')).persistence)).toBe(
      false,
    )
    expect(isPersistenceOk(infoFacts('').persistence)).toBeNull()
  })

  const travels = (text: string) => {
    const { loading: _, persistence, ...facts } = infoFacts(text)
    observationSchema.parse(observed({ ...facts, persistenceOk: isPersistenceOk(persistence) }))
  }

  it('torn off anywhere still gives facts that can travel', () => {
    for (const text of [SOURCE, REPLICA]) {
      for (let end = 0; end <= text.length; end++) travels(text.slice(0, end))
    }
  })

  it('of a hostile server still gives facts that can travel', () => {
    const field = fc.constantFrom(...parseInfo(SOURCE).keys(), ...parseInfo(REPLICA).keys(), 'slave9', 'db1')
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.constantFrom('master', 'slave', '1', '-1', '1e400', '9'.repeat(30), '-'.repeat(5), 'NaN', '0x10'),
      fc.constantFrom('ip=a,port=9999999999999999999,state=x', 'keys=99999999999999999999', 'ip=,port=1,'),
    )
    const lines = fc.array(fc.tuple(field, value).map(([name, text]) => `${name}:${text}`))
    fc.assert(fc.property(lines, (all) => travels(all.join('\r\n'))))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), travels))
  })

  it('of a source with more replicas than may travel is cut', () => {
    const many = Array.from(
      { length: 400 },
      (_, n) => `slave${n}:ip=127.0.0.1,port=${n + 1},state=online,offset=1,lag=0`,
    )
    expect(infoFacts(['role:master', ...many].join('\r\n')).connectedReplicas).toHaveLength(256)
  })
})

describe('the last words of a server', () => {
  it('are its warnings in one line, without time stamps and without secrets', () => {
    const log = [
      '12:M 01 Jan 2026 00:00:00.000 * Ready to accept connections',
      "12:M 01 Jan 2026 00:00:00.000 # WARNING Memory overcommit must be enabled! Run 'sysctl vm.overcommit_memory=1'.",
      '12:M 01 Jan 2026 00:00:01.000 # Bad thing: secret-word was used',
      '*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***',
      ">>> 'masterauth secret-word'",
      'Unknown argument',
    ].join('\n')
    const words = lastWords(log, ['secret-word', ''])
    expect(words).toContain('Bad thing')
    expect(words).toContain('FATAL')
    expect(words).not.toContain('overcommit')
    expect(words).not.toContain('secret-word')
    expect(words).not.toContain('\n')
    expect(lastWords('', [])).toBeNull()
  })
})
