import { expect, it } from 'vitest'
import { reportSchema } from '../../domain/instance/report.js'
import { outcomeSchema } from '../../wire/outcome.js'
import { observed } from '../harness/observed.js'

const ZERO = '\u0000'
const report = (bootId: string, fault: string | null = null) => ({
  instanceId: '00000000-0000-4000-8000-000000000001',
  bootId,
  seq: 1,
  observation: observed({ fault }),
})

it('a report whose boot no database would keep is refused, so that the others of its round are stored', () => {
  expect(reportSchema.safeParse(report('a-boot')).success).toBe(true)
  for (const bootId of [`a${ZERO}`, '', 'a b', 'x'.repeat(65)])
    expect(reportSchema.safeParse(report(bootId)).success, JSON.stringify(bootId)).toBe(false)
})

it('a sentence of a guest is kept without the character that no database keeps', () => {
  expect(reportSchema.parse(report('a-boot', `no${ZERO}room`)).observation.fault).toBe('no?room')
  const failed = { ok: false, kind: 'guest_failed', message: `no${ZERO}room` }
  expect(outcomeSchema.parse(failed)).toEqual({ ...failed, message: 'no?room' })
})
