import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isConfirmed,
  type Standing,
  type StandingEvent,
  standingAfter,
  UNKNOWN,
  type WriteFacts,
  type WriteVerdict,
  writeVerdict,
} from '../../../domain/replication/may-take-writes.js'

const yes = [true, false]

describe('the table, from every state', () => {
  const rows = yes.flatMap((confirmed) =>
    yes.flatMap((hadReplicas) =>
      yes.flatMap((newborn) =>
        (['source', 'replica', 'ejected'] as const).map((role) => ({
          role,
          confirmed,
          hadReplicas,
          newborn,
        })),
      ),
    ),
  )
  const TAKES: readonly Omit<WriteFacts, 'role'>[] = [
    { confirmed: true, hadReplicas: true, newborn: true },
    { confirmed: true, hadReplicas: true, newborn: false },
    { confirmed: true, hadReplicas: false, newborn: true },
    { confirmed: true, hadReplicas: false, newborn: false },
    // Nobody else can lead.
    { confirmed: false, hadReplicas: false, newborn: false },
  ]
  const wanted = ({ role, ...facts }: WriteFacts): WriteVerdict => {
    if (role !== 'source') return role === 'replica' ? 'follow' : 'never'
    return TAKES.some((one) => JSON.stringify(one) === JSON.stringify(facts)) ? 'take writes' : 'wait'
  }
  it.each(rows)('%o', (facts) => {
    expect(writeVerdict(facts)).toBe(wanted(facts))
  })
})

const who = fc.constantFrom('7 1', '8 2', '9 3')
const event: fc.Arbitrary<StandingEvent> = fc.oneof(
  fc.constant({ type: 'kicked' } as const),
  fc.constant({ type: 'answered' } as const),
  who.map((name) => ({ type: 'settled', who: name }) as const),
  who.map((name) => ({ type: 'found taking writes', who: name }) as const),
  fc.constant({ type: 'not settled', why: 'no memory' } as const),
  fc.nat(1000).map((nowMs) => ({ type: 'waits', nowMs }) as const),
  fc
    .record({ who: fc.option(who), whole: fc.boolean() })
    .map((given) => ({ type: 'confirmed', ...given }) as const),
  fc.constantFrom(null, 'nothing is here').map((refusal) => ({ type: 'heard', refusal }) as const),
)
const standingOf = (events: readonly StandingEvent[]): Standing => events.reduce(standingAfter, UNKNOWN)

describe('the standing, after any events', () => {
  it('is confirmed only for the process that was named last as confirmed or found taking writes', () => {
    fc.assert(
      fc.property(fc.array(event), who, (events, runs) => {
        const names = events.flatMap((one) =>
          one.type === 'confirmed' || one.type === 'found taking writes' ? [one.who] : [],
        )
        expect(isConfirmed(standingOf(events), runs)).toBe(names.at(-1) === runs)
        // No process, no right.
        expect(isConfirmed(standingOf(events), null)).toBe(false)
      }),
    )
  })

  it('asks until it was answered, and again after each kick and while it waits', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const last = events.filter(({ type }) => ['kicked', 'waits', 'answered'].includes(type)).at(-1)
        expect(standingOf(events).asks).toBe(last?.type !== 'answered')
      }),
    )
  })

  it('waits since the first wait after the last confirmation, and a confirmation leaves no complaint', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const since = events.slice(events.findLastIndex(({ type }) => type === 'confirmed') + 1)
        const first = since.find((one) => one.type === 'waits')
        expect(standingOf(events).waitsSinceMs).toBe(first?.type === 'waits' ? first.nowMs : null)
        const { trouble, emptied } = standingOf([...events, { type: 'confirmed', who: '7 1', whole: true }])
        expect([trouble, emptied]).toEqual([null, null])
      }),
    )
  })
})
