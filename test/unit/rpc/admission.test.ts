import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../common/clock.js'
import { openAdmission } from '../../../wire/sealed/admission.js'

function clockAt(start: number): Clock & { pass(ms: number): void } {
  let now = start
  return {
    now: () => 0,
    monotonicMs: () => now,
    sleep: () => Promise.reject(new Error('nobody sleeps here')),
    pass: (ms) => {
      now += ms
    },
  }
}

/** Ticks as the agent does, so that only the test's own jumps look like a freeze. */
function opened() {
  const clock = clockAt(1_000)
  const admission = openAdmission(clock)
  let seq = 0
  const command = (to: string | null = admission.incarnation(), from = 'tm') => {
    seq += 1
    return { from, to, seq }
  }
  return { clock, admission, command }
}

describe('a command', () => {
  test('for the present incarnation is admitted once', () => {
    const { admission, command } = opened()
    const sealed = command()
    expect(admission.judge(sealed, 'control')).toBe('admitted')
    expect(admission.judge(sealed, 'control')).toBe('replayed')
  })

  test('for nobody or for an earlier incarnation is a stranger', () => {
    const { admission, command } = opened()
    const early = command()
    expect(admission.judge(command(null), 'query')).toBe('stranger')
    admission.renew()
    expect(admission.judge(early, 'query')).toBe('stranger')
  })

  test('that waited while the agent was frozen is a stranger, whoever notices first', () => {
    for (const ticks of [true, false]) {
      const { admission, clock, command } = opened()
      const before = command()
      clock.pass(2_001)
      if (ticks) admission.tick()
      expect(admission.judge(before, 'control')).toBe('stranger')
      expect(admission.judge(command(), 'control')).toBe('admitted')
    }
  })

  test('is not a stranger only because time passes while the agent lives', () => {
    const { admission, clock, command } = opened()
    const before = command()
    for (let tick = 0; tick < 100; tick += 1) {
      clock.pass(500)
      admission.tick()
    }
    expect(admission.judge(before, 'control')).toBe('admitted')
  })

  test('may wait behind a long step while thousands of looks go by', () => {
    const { admission } = opened()
    const to = admission.incarnation()
    for (let seq = 1; seq <= 5_000; seq += 1)
      expect(admission.judge({ from: 'tm', to, seq }, 'query')).toBe('admitted')
    expect(admission.judge({ from: 'tm', to, seq: 1 }, 'control')).toBe('admitted')
  })

  test('of one sender too many voids all that was sealed before, and nothing comes in twice', () => {
    const { admission, command } = opened()
    const first = command(admission.incarnation(), 'first')
    expect(admission.judge(first, 'query')).toBe('admitted')
    const verdicts = Array.from({ length: 1_000 }, (_, sender) =>
      admission.judge(command(admission.incarnation(), `sender ${sender}`), 'query'),
    )
    expect(new Set(verdicts)).toEqual(new Set(['admitted', 'stranger']))
    expect(admission.judge(first, 'query')).toBe('stranger')
  })
})
