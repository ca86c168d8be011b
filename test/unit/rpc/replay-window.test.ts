import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replayWindow } from '../../../wire/sealed/replay-window.js'

const SPAN = 8

test('a window admits what a memory without limits would, except for what is too old to know', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 60 }), { maxLength: 200 }), (numbers) => {
      const window = replayWindow(SPAN)
      const seen = new Set<number>()
      let highest = -1
      for (const number of numbers) {
        const wanted = !seen.has(number) && number > highest - SPAN
        expect(window.admit(number)).toBe(wanted)
        seen.add(number)
        highest = Math.max(highest, number)
      }
    }),
  )
})

test('numbers within the window may come in any order, each once', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }), (order) => {
      const window = replayWindow(SPAN)
      expect(order.map(window.admit)).toEqual(order.map(() => true))
      expect(order.map(window.admit)).toEqual(order.map(() => false))
    }),
  )
})
