import { describe, expect, it } from 'vitest'
import { damageOf, parseManifest } from '../../../guestagent/redis/append-only-folder.js'
import { loadFailureIn } from '../../../guestagent/redis/load-failure.js'
import { howEnded } from '../../../guestagent/server/ending.js'

const MANIFEST =
  'file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.3.incr.aof seq 3 type i startoffset 14\n'
const whole = new Map([
  ['appendonly.aof.2.base.rdb', 100],
  ['appendonly.aof.3.incr.aof', 0],
])
const files = (...changes: readonly (readonly [string, number])[]) => new Map([...whole, ...changes])

describe('the folder of an append-only file', () => {
  it('is whole with all that its manifest names, and with what an interrupted rewrite leaves', () => {
    const others: readonly (readonly [string, number])[] = [
      ['appendonly.aof.1.incr.aof', 500],
      ['appendonly.aof.3.base.rdb', 500],
      ['appendonly.aof.4.incr.aof', 0],
    ]
    expect(damageOf({ manifest: MANIFEST, files: whole })).toBeNull()
    expect(damageOf({ manifest: MANIFEST, files: files(...others) })).toBeNull()
    expect(damageOf({ manifest: null, files: new Map() })).toBeNull()
    expect(damageOf({ manifest: null, files: new Map([['appendonly.aof.1.incr.aof', 0]]) })).toBeNull()
  })

  it.each([
    ['no manifest', null, whole, 'appendonly.aof.manifest is missing'],
    ['an empty manifest', '', whole, 'appendonly.aof.manifest is damaged'],
    ['a manifest that is torn', MANIFEST.slice(0, -3), whole, 'appendonly.aof.manifest is damaged'],
    ['a manifest of zeros', '\0'.repeat(90), whole, 'appendonly.aof.manifest is damaged'],
    [
      'no increment',
      MANIFEST,
      new Map([['appendonly.aof.2.base.rdb', 1]]),
      'appendonly.aof.3.incr.aof is missing',
    ],
    [
      'no base',
      MANIFEST,
      new Map([['appendonly.aof.3.incr.aof', 1]]),
      'appendonly.aof.2.base.rdb is missing',
    ],
    [
      'an empty base',
      MANIFEST,
      files(['appendonly.aof.2.base.rdb', 0]),
      'appendonly.aof.2.base.rdb is empty',
    ],
    [
      'a later increment',
      MANIFEST,
      files(['appendonly.aof.4.incr.aof', 9]),
      'appendonly.aof.manifest is damaged: appendonly.aof.4.incr.aof is not named in it',
    ],
  ])('is damaged with %s', (_what, manifest, found, said) => {
    expect(damageOf({ manifest, files: found })).toBe(said)
  })

  it('has a manifest of lines that name a file each', () => {
    expect(parseManifest(MANIFEST)).toEqual({
      base: 'appendonly.aof.2.base.rdb',
      increments: ['appendonly.aof.3.incr.aof'],
    })
  })
})

describe('a server that could not load its data', () => {
  it.each([
    [
      '1:M 25 Nov 2026 17:13:30.416 # Bad file format reading the append only file appendonly.aof.2.incr.aof: make a backup of your AOF file',
      'appendonly.aof.2.incr.aof is damaged (Bad file format',
    ],
    [
      '1:M 25 Nov 2026 17:13:30.416 # Bad file format reading the append only file: make a backup of your AOF file',
      'a file of its data is damaged (Bad file format',
    ],
    [
      '1:M 25 Nov 2026 17:07:28.220 # Internal error in RDB reading offset 0, function at rdb.c:3249 -> Unexpected EOF reading RDB file\n[offset 0] Checking RDB file dump.rdb',
      'dump.rdb is damaged (Unexpected EOF',
    ],
    [
      '1:M 25 Nov 2026 17:07:19.296 # Unable to obtain the AOF file appendonly.aof.2.base.rdb length. stat: No such file',
      'appendonly.aof.2.base.rdb is damaged',
    ],
    ['*** FATAL AOF MANIFEST FILE ERROR ***', 'is damaged'],
    ['1:M 25 Nov 2026 17:07:30.535 # Fatal error: the truncated file is not the last file', 'is damaged'],
  ])('%s', (log, said) => {
    expect(loadFailureIn(log)).toContain(said)
  })

  it('is not taken for one when it ended of something else, or loaded a torn end', () => {
    expect(
      loadFailureIn('1:M 25 Nov 2026 # !!! Warning: short read while loading the AOF file x!!!'),
    ).toBeNull()
    expect(loadFailureIn('1:M 25 Nov 2026 # Could not create server TCP listening socket')).toBeNull()
  })
})

describe('how a server ended', () => {
  const banner =
    '1:C 25 Nov 2026 17:07:30.410 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n1:C 25 Nov 2026 17:07:30.410 # Valkey version=8.0.1, bits=64\n1:C 25 Nov 2026 17:07:30.410 # Configuration loaded'
  it('is the signal that killed it, its own last words, or its exit code', () => {
    expect(
      howEnded({ code: null, signal: 'SIGKILL' }, `${banner}\n1:M 25 Nov 2026 17:07:30.410 # Diskless`, []),
    ).toMatch(/^it was killed \(SIGKILL\)/)
    expect(howEnded({ code: 1, signal: null }, `${banner}\n# Failed listening on port 1`, [])).toBe(
      'Failed listening on port 1',
    )
    expect(howEnded({ code: 3, signal: null }, banner, [])).toBe('it ended with code 3 and left no message')
    expect(howEnded({ code: null, signal: 'SIGTERM' }, banner, [])).toBe(
      'it was ended by SIGTERM and left no message',
    )
    expect(howEnded(null, banner, [])).toBe('it left no message')
    expect(
      howEnded(
        { code: null, signal: 'SIGSEGV' },
        `${banner}\n1:M 25 Nov 2026 17:07:30.410 # Redis 7.0.15 crashed by signal: 11, si_code: 0\n# many\n# other\n# lines\n# end`,
        [],
      ),
    ).toBe('Redis 7.0.15 crashed by signal: 11, si_code: 0')
  })
})
