import { describe, expect, it } from 'vitest'
import { bytes, card, REWRITE, safeLines, table } from '../../../cli/output.js'
import { printable, printableJson } from '../../../common/printable.js'

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 3, '1.0 GiB'],
    [5 * 1024 ** 5, '5120.0 TiB'],
    [null, '-'],
    [undefined, '-'],
  ])('%s are %s', (count, text) => {
    expect(bytes(count)).toBe(text)
  })
})

describe('a card', () => {
  it('leaves out what is unknown and marks what is empty', () => {
    const fields = [
      ['id', 'a'],
      ['fault', undefined],
      ['lag', null],
      ['keys', 0],
    ] as const
    expect(card(fields)).toBe('id    a\nlag   -\nkeys  0')
  })
})

describe('a table', () => {
  it('has its headings, a row each, and a dash where nothing is', () => {
    const text = table(
      ['A', 'B'],
      [
        ['x', null],
        ['y', 0],
      ],
    )
    expect(text).toMatch(/│ A │ B │/)
    expect(text).toMatch(/│ x │ - │/)
    expect(text).toMatch(/│ y │ 0 │/)
  })
})

it('plain text steers no terminal', () => {
  expect(printable('a\u001b[31m\nb\u009b')).toBe('a?[31m?b?')
})

it.each(['\u202e', '\u200b', '\u2028', '\u0085', '\ud800', '\u{e0041}'])(
  '%j is shown as a mark and never as it is',
  (evil) => {
    expect(printable(`a${evil}b`)).toBe('a?b')
    expect(safeLines(`${REWRITE}a${evil}${REWRITE}\nb`)).toBe(`${REWRITE}a??[1A?[2K\nb`)
    const json = printableJson({ name: `a${evil}b` })
    expect(json).not.toContain(evil)
    expect(JSON.parse(json)).toEqual({ name: `a${evil}b` })
  },
)
