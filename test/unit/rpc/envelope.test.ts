import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Header, MESSAGE_KINDS, openMessage, sealMessage } from '../../../wire/sealed/envelope.js'

const key = randomBytes(32)
const header: fc.Arbitrary<Header> = fc.record({
  kind: fc.constantFrom(...MESSAGE_KINDS),
  instanceId: fc.uuid({ version: 4 }),
  method: fc.stringMatching(/^[A-Za-z]{1,64}$/),
  messageId: fc.uuid({ version: 4 }),
  from: fc.string({ minLength: 1, maxLength: 128 }),
  to: fc.option(fc.string({ minLength: 1, maxLength: 128 })),
  seq: fc.maxSafeNat(),
})

describe('a sealed message', () => {
  test('is opened to what was sealed', () => {
    fc.assert(
      fc.property(header, fc.jsonValue(), (sealedHeader, payload) => {
        const opened = openMessage(sealMessage(key, sealedHeader, payload), sealedHeader.kind, () => key)
        // JSON knows no negative zero.
        expect(opened).toEqual({ header: sealedHeader, payload: JSON.parse(JSON.stringify(payload)) })
      }),
    )
  })

  test('with any byte changed, cut off or added is refused', () => {
    fc.assert(
      fc.property(header, fc.nat(), fc.integer({ min: 1, max: 255 }), (sealedHeader, at, change) => {
        const bytes = sealMessage(key, sealedHeader, { x: 1 })
        const place = at % bytes.length
        const changed = Buffer.from(bytes)
        changed[place] = (bytes[place] ?? 0) ^ change
        const longer = Buffer.concat([bytes, Buffer.from([change])])
        for (const bad of [changed, bytes.subarray(0, place), longer])
          expect(openMessage(bad, sealedHeader.kind, () => key)).toBeTypeOf('string')
      }),
    )
  })

  test('of one direction is not one of another, nor of another key, nor of an instance that is not ours', () => {
    fc.assert(
      fc.property(header, fc.constantFrom(...MESSAGE_KINDS), (sealedHeader, kind) => {
        const bytes = sealMessage(key, sealedHeader, {})
        if (kind !== sealedHeader.kind) expect(openMessage(bytes, kind, () => key)).toBe('foreign')
        expect(openMessage(bytes, sealedHeader.kind, () => randomBytes(32))).toBe('foreign')
        expect(openMessage(bytes, sealedHeader.kind, () => undefined)).toBe('foreign')
      }),
    )
  })

  test('never looks twice the same', () => {
    const same = { kind: 'report', instanceId: randomUUID(), method: 'x', messageId: randomUUID() } as const
    const seal = () => sealMessage(key, { ...same, from: 'a', to: null, seq: 0 }, {}).toString('hex')
    expect(new Set(Array.from({ length: 100 }, seal)).size).toBe(100)
  })
})

test('whatever bytes arrive, opening them does not throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      const versioned = Buffer.concat([Buffer.from([1, 0, 20]), noise])
      for (const bytes of [Buffer.from(noise), versioned])
        expect(openMessage(bytes, 'command', () => key)).toBe('malformed')
    }),
  )
  expect(openMessage(Buffer.alloc(2 * 1024 * 1024, 1), 'command', () => key)).toBe('malformed')
})
