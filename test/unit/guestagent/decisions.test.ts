import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSerial } from '../../../common/serial.js'
import { isLower } from '../../../domain/fencing/token.js'
import { openAcceptedState, withAssignment } from '../../../guestagent/memory/accepted.js'
import { readSlots, replaceSlot } from '../../../guestagent/memory/slots-file.js'
import { linkAge } from '../../../guestagent/observe/link-age.js'
import { guestPaths } from '../../../guestagent/paths.js'
import { crashLimit } from '../../../guestagent/server/crash-limit.js'
import { startMode } from '../../../guestagent/server/startable.js'
import { anAssignment, tokens } from '../../harness/guest.js'

describe('tokens', () => {
  const token = fc.record({ epoch: fc.nat(5), attempt: fc.nat(5) })
  it('are ordered by epoch, then by attempt, and never both ways', () => {
    fc.assert(
      fc.property(token, token, (a, b) => {
        expect(isLower(a, b) && isLower(b, a)).toBe(false)
        expect(isLower(a, b)).toBe(a.epoch * 10 + a.attempt < b.epoch * 10 + b.attempt)
      }),
    )
  })
})

describe('a file of two places', () => {
  let file = ''
  beforeEach(() => {
    file = join(mkdtempSync(join(tmpdir(), 'redtrove-slots-')), 'state')
  })
  afterEach(() => rmSync(join(file, '..'), { recursive: true }))

  it('has the last text after a write that was torn anywhere, or the one before it', async () => {
    for (const text of ['one', 'two', 'three']) await replaceSlot(file, text)
    const before = readFileSync(file)
    await replaceSlot(file, 'four')
    const after = readFileSync(file)
    for (let torn = 0; torn <= 160; torn += 1) {
      const at = (4 % 2) * 32_768
      const mixed = Buffer.concat([
        before.subarray(0, at),
        after.subarray(at, at + torn),
        before.subarray(at + torn),
      ])
      writeFileSync(file, mixed)
      expect(['three', 'four']).toContain(readSlots(file))
    }
    writeFileSync(file, after)
    expect(readSlots(file)).toBe('four')
  })

  it('is damaged when neither place is whole, and says so', async () => {
    await replaceSlot(file, 'one')
    writeFileSync(file, readFileSync(file).fill('x', 32_768, 32_770))
    expect(() => readSlots(file)).toThrow(/damaged/)
  })
})

describe('what is accepted', () => {
  let dir = ''
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'redtrove-state-'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))
  const open = () => openAcceptedState(join(dir, 'state'), anAssignment())

  it('only rises, whatever comes in whatever order, and is on disk when it is accepted', async () => {
    const attempts = fc.array(fc.record({ epoch: fc.integer({ min: 1, max: 4 }), attempt: fc.nat(3) }))
    await fc.assert(
      fc.asyncProperty(attempts, async (given) => {
        rmSync(join(dir, 'state'), { force: true })
        const accepted = await open()
        for (const token of given) {
          const { epoch, attempt } = accepted.current()
          const lower = isLower(token, { epoch, attempt })
          const answer = await accepted.accept(token).then(
            () => 'taken',
            (error: { kind: string }) => error.kind,
          )
          expect(answer).toBe(lower ? 'stale_epoch' : 'taken')
          const onDisk = JSON.parse(readSlots(join(dir, 'state')) ?? '')
          expect(onDisk).toMatchObject(lower ? { epoch, attempt } : token)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('goes on from what an agent of the earlier format kept', async () => {
    const accepted = await open()
    await accepted.accept({ epoch: 7, attempt: 2 })
    writeFileSync(join(dir, 'state.json'), readSlots(join(dir, 'state')) ?? '')
    rmSync(join(dir, 'state'))
    expect((await open()).current()).toMatchObject({ epoch: 7, attempt: 2 })
  })

  it('remembers members of its set, and forgets them with the set', async () => {
    const accepted = await open()
    const { setId } = accepted.current().assignment
    const take = async (epoch: number, facts: Parameters<typeof anAssignment>[0]) => {
      await accepted.accept({ epoch, attempt: 1 }, withAssignment(anAssignment({ setId, epoch, ...facts })))
      return accepted.current().hadReplicas
    }
    expect(accepted.current().hadReplicas).toBe(false)
    expect(await take(2, { role: 'replica', source: { host: '127.0.0.2', port: 1 } })).toBe(true)
    expect(await take(3, { role: 'source' })).toBe(true)
    expect(await take(4, { role: 'source', setId: randomUUID() })).toBe(false)
  })

  it('keeps the newest outcomes over a restart', async () => {
    const accepted = await open()
    const token = tokens(1)
    for (let n = 0; n < 40; n++) await accepted.keepOutcome(token(`step ${n}`))
    const later = await open()
    expect(later.outcomeOf(token('step 39'))?.writesFrozen).toBe(true)
    expect(later.outcomeOf(token('step 0'))).toBeNull()
    expect(later.outcomeOf(tokens(1)('step 39'))).toBeNull()
  })
})

describe('a start', () => {
  const nothing = { appendOnly: false, emptyAppendOnly: false, rdb: false }
  const facts = { role: 'source' as const, files: nothing, hadKeys: null, startFromRdb: false }

  it('out of an empty folder is for those who never had data, or copy it', () => {
    expect(startMode(facts)).toBe('append-only')
    expect(startMode({ ...facts, hadKeys: 3 })).toEqual({ refused: expect.stringMatching(/3 keys/) })
    expect(startMode({ ...facts, hadKeys: 0 })).toEqual({ refused: expect.stringMatching(/has served/) })
    const empty = { ...nothing, emptyAppendOnly: true }
    expect(startMode({ ...facts, files: empty, hadKeys: 0 })).toBe('append-only')
    expect(startMode({ ...facts, files: empty, hadKeys: 3 })).toEqual({ refused: expect.any(String) })
    expect(startMode({ ...facts, role: 'ejected', hadKeys: 3 })).toEqual({ refused: expect.any(String) })
    expect(startMode({ ...facts, role: 'replica', hadKeys: 3 })).toBe('append-only')
  })

  it('out of dump.rdb needs a clean stop, or nothing to lose', () => {
    const both = { ...nothing, appendOnly: true, rdb: true }
    const rdb = { ...nothing, rdb: true }
    expect(startMode({ ...facts, files: both, hadKeys: 3 })).toBe('append-only')
    expect(startMode({ ...facts, files: both, hadKeys: 3, startFromRdb: true })).toBe('rdb')
    expect(startMode({ ...facts, files: rdb, hadKeys: 3 })).toEqual({
      refused: expect.stringMatching(/dump\.rdb/),
    })
    expect(startMode({ ...facts, files: rdb })).toBe('rdb')
    expect(startMode({ ...facts, files: nothing, hadKeys: 3, startFromRdb: true })).toEqual({
      refused: expect.any(String),
    })
  })
})

describe('crashes', () => {
  it('end the trying at the third within a minute, not at the third in an hour', () => {
    const limit = crashLimit()
    expect([0, 30_000, 59_999].map((nowMs) => limit.note(nowMs))).toEqual([true, true, false])
    limit.forget()
    expect([100_000, 130_000, 170_000, 200_000].map((nowMs) => limit.note(nowMs))).toEqual([
      true,
      true,
      true,
      true,
    ])
  })
})

describe('the age of a link', () => {
  it('counts from the first look that found it down, and starts anew each time', () => {
    const link = linkAge()
    expect(link.downMs(5)).toBeNull()
    link.note('up', 10)
    expect(link.downMs(20)).toBe(0)
    link.note('down', 30)
    link.note('syncing', 40)
    expect(link.downMs(50)).toBe(20)
    link.note('up', 60)
    link.note('down', 70)
    expect(link.downMs(75)).toBe(5)
    link.note(null, 80)
    expect(link.downMs(90)).toBeNull()
  })
})

describe('a line of acts', () => {
  it('runs one at a time in order, and goes on after a failure', async () => {
    const inLine = openSerial()
    const seen: string[] = []
    const act = (name: string, fail = false) =>
      inLine(async () => {
        seen.push(`${name} begins`)
        await Promise.resolve()
        seen.push(`${name} ends`)
        if (fail) throw new Error(name)
        return name
      })
    const all = await Promise.allSettled([act('a'), act('b', true), act('c')])
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  })
})

describe("a guest's paths", () => {
  it('keep the socket short enough for the kernel, and apart for each folder', () => {
    const near = guestPaths('/srv/guests/a')
    expect(near.socket).toBe('/srv/guests/a/redis.sock')
    const far = ['x', 'y'].map((name) => guestPaths(`/srv/${name.repeat(120)}`).socket)
    for (const socket of far) expect(Buffer.byteLength(socket)).toBeLessThan(108)
    expect(far[0]).not.toBe(far[1])
  })
})
