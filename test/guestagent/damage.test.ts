/* Files of a data set that are cut, damaged or gone. A replica copies its source again; a source never serves less than it acknowledged. */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../common/wait-until.js'
import { type Guest, guestYard, tokens } from '../harness/guest.js'

const yard = guestYard()
afterEach(yard.removeAll)

const KEYS = 200

type Damage = (folder: string) => void

const parts = (folder: string) => join(folder, 'appendonlydir')
const part = (folder: string, kind: string) =>
  join(parts(folder), readdirSync(parts(folder)).find((name) => name.includes(kind)) ?? kind)

/** Eleven bytes that are no command, over the first command of the second half. */
const garbage =
  (kind: string): Damage =>
  (folder) => {
    const file = part(folder, kind)
    const bytes = readFileSync(file)
    const half = bytes.length >> 1
    const at = kind === '.incr.' ? bytes.indexOf('*3', half) : half
    bytes.write('\0GARBAGE\xff\xfe\r', at, 'latin1')
    writeFileSync(file, bytes)
  }
const cut =
  (kind: string, bytes: number): Damage =>
  (folder) =>
    truncateSync(part(folder, kind), bytes)
const gone =
  (kind: string): Damage =>
  (folder) =>
    rmSync(part(folder, kind))

const DAMAGES: readonly (readonly [what: string, Damage, said: RegExp])[] = [
  ['garbage in an increment', garbage('.incr.'), /\.incr\.aof is damaged \(Bad file format/],
  ['an increment gone', gone('.incr.'), /\.incr\.aof is missing/],
  ['garbage in the base', garbage('.base.'), /\.base\.rdb is damaged/],
  ['the base cut', cut('.base.', 100), /\.base\.rdb is damaged/],
  ['the base emptied', cut('.base.', 0), /\.base\.rdb is empty/],
  ['the base gone', gone('.base.'), /\.base\.rdb is missing/],
  ['the manifest cut in a line', cut('.manifest', 20), /manifest is damaged/],
  ['the manifest cut after a line', cut('.manifest', 44), /manifest is damaged: .*\.incr\.aof is not named/],
  ['the manifest emptied', cut('.manifest', 0), /manifest is damaged/],
  ['the manifest gone', gone('.manifest'), /manifest is missing/],
]

/** Half of the keys in the base, half in the increment, all of them on disk. */
async function filled(source: Guest): Promise<void> {
  const root = source.root()
  await root.call('config', 'set', 'appendfsync', 'always')
  const fill = async (from: number) => {
    const pipeline = source.client().pipeline()
    for (let n = from; n < from + KEYS / 2; n++) pipeline.set(`k${n}`, 'v'.repeat(20))
    await pipeline.exec()
  }
  await fill(0)
  await root.call('save')
  await root.call('bgrewriteaof')
  await waitUntil(
    'the base is written',
    () => root.info('persistence'),
    (info) => /aof_rewrite_in_progress:0/.test(info) && /aof_rewrites:[1-9]/.test(info),
    { timeoutMs: 10_000 },
  )
  await fill(KEYS / 2)
}

describe('a source', () => {
  it('with damaged files is not started, says which and why, and serves all once they are put back', async () => {
    const source = await yard.source()
    await filled(source)
    await source.closeAgent()
    process.kill(source.serverPid(), 'SIGKILL')
    const whole = join(source.paths.dir, 'whole')
    cpSync(source.paths.data, whole, { recursive: true })
    const restore = () => {
      rmSync(source.paths.data, { recursive: true })
      cpSync(whole, source.paths.data, { recursive: true })
    }
    for (const [what, damage, said] of DAMAGES) {
      restore()
      damage(source.paths.data)
      await source.openAgent()
      const { fault, service } = await source.until(`${what} is told`, (seen) => said.test(seen.fault ?? ''))
      expect([what, service, source.serverPid()]).toEqual([what, 'stopped', 0])
      expect(fault).toMatch(/Its data cannot be loaded/)
      await source.closeAgent()
    }
    await source.openAgent()
    restore()
    const seen = await source.ready()
    expect(seen.keys).toBe(KEYS)
  })
})

describe('an older state of a source', () => {
  const OFFERS: readonly (readonly [what: string, Damage, said: RegExp, keys: number])[] = [
    [
      'garbage in an increment',
      garbage('.incr.'),
      /starts with \S+\.incr\.aof up to byte \d+ of \d+/,
      KEYS * 0.75,
    ],
    ['the base cut', cut('.base.', 100), /starts with dump\.rdb of 20/, KEYS / 2],
    ['the manifest gone', gone('.manifest'), /starts with dump\.rdb of 20/, KEYS / 2],
  ]

  it('is offered, and served only when it is asked for', async () => {
    const source = await yard.source()
    await filled(source)
    await source.closeAgent()
    process.kill(source.serverPid(), 'SIGKILL')
    const whole = join(source.paths.dir, 'whole')
    cpSync(source.paths.data, whole, { recursive: true })
    for (const [what, damage, said, keys] of OFFERS) {
      rmSync(source.paths.data, { recursive: true })
      cpSync(whole, source.paths.data, { recursive: true })
      damage(source.paths.data)
      await source.openAgent()
      const { damaged } = await source.until(`${what}: it is offered`, (seen) => said.test(seen.fault ?? ''))
      expect(damaged).toBe(true)
      const restart = (acceptOlderData: boolean) =>
        source.handlers.restartServer({ token: tokens(1)('restart'), acceptOlderData })
      await expect(restart(false)).rejects.toThrow(/cannot be loaded/)
      const { observation } = await restart(true)
      console.log(`${what}: ${observation.keys} of ${KEYS} keys`)
      expect(observation).toMatchObject({ service: 'running', fenced: false, fault: null, damaged: false })
      expect(Math.abs(Number(observation.keys) - keys)).toBeLessThanOrEqual(2)
      expect(readdirSync(source.paths.data)).toContain('damaged')
      expect(await source.client().set('k0', 'after')).toBe('OK')
      await source.closeAgent()
      process.kill(source.serverPid(), 'SIGKILL')
    }
  })

  it('that a clean stop left beside a damaged dump.rdb is the append-only file', async () => {
    const source = await yard.source()
    await filled(source)
    await source.closeAgent({ withServer: true })
    truncateSync(join(source.paths.data, 'dump.rdb'), 100)
    await source.openAgent()
    await source.until('it is offered', ({ fault }) =>
      /starts with the append-only file of 20/.test(fault ?? ''),
    )
    const { observation } = await source.handlers.restartServer({
      token: tokens(1)('restart'),
      acceptOlderData: true,
    })
    expect(observation).toMatchObject({ service: 'running', fenced: false, keys: KEYS })
  })
})

describe('a replica', () => {
  it('with damaged files copies its source again, and keeps them until it has all', async () => {
    const source = await yard.source()
    const replica = await yard.replicaOf(source)
    await filled(source)
    const hasAll = () =>
      replica.until('it has all', (seen) => seen.keys === KEYS && seen.link === 'up' && seen.fault === null)
    const copies = async () => (await source.handlers.inspect({})).observation.syncFull
    await hasAll()
    for (const [what, damage] of DAMAGES.filter(([name]) => /garbage|gone/.test(name))) {
      const before = Number(await copies())
      await replica.root().call('config', 'set', 'appendfsync', 'always')
      await source.client().set('k0', 'again')
      await replica.until('it is on disk', ({ offset }) => offset !== null)
      await replica.closeAgent()
      process.kill(replica.serverPid(), 'SIGKILL')
      damage(replica.paths.data)
      await replica.openAgent()
      const seen = await hasAll()
      expect([what, seen.role, seen.persistenceOk, await copies()]).toEqual([
        what,
        'replica',
        true,
        before + 1,
      ])
      await waitUntil(
        'what was put aside is removed',
        () => readdirSync(replica.paths.data),
        (names) => !names.includes('damaged'),
        { timeoutMs: 10_000 },
      )
    }
  })

  it('whose dump.rdb of a clean stop is damaged copies its source again', async () => {
    const source = await yard.source()
    const replica = await yard.replicaOf(source)
    await filled(source)
    await replica.until('it has all', ({ keys }) => keys === KEYS)
    await replica.closeAgent({ withServer: true })
    truncateSync(join(replica.paths.data, 'dump.rdb'), 100)
    await replica.openAgent()
    await replica.until('it has all again', (seen) => seen.keys === KEYS && seen.link === 'up')
  })
})
