import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../common/clock.js'
import { RedtroveError } from '../../../common/errors.js'
import { pastElection } from '../../../host/swarm/past-election.js'

/** Sleeps take no time, and count. */
function clock(): Clock {
  let ms = 0
  return {
    now: () => ms,
    monotonicMs: () => ms,
    sleep: async (more) => {
      ms += more
    },
  }
}

const away = new RedtroveError('unavailable', 'The swarm does not have a leader.')

describe('an act while managers have no leader', () => {
  it('is repeated until they have one', async () => {
    const said = [away, away, away]
    const act = async () => {
      const next = said.pop()
      if (next) throw next
      return 'done'
    }
    expect(await pastElection(act, clock())).toBe('done')
    expect(said).toEqual([])
  })

  it('fails in their words when they find none', async () => {
    const time = clock()
    await expect(pastElection(() => Promise.reject(away), time)).rejects.toBe(away)
    expect(time.monotonicMs()).toBeGreaterThanOrEqual(45_000)
    expect(time.monotonicMs()).toBeLessThan(46_000)
  })

  it('fails at once for any other reason', async () => {
    const other = new RedtroveError('guest_failed', 'No such image.')
    const time = clock()
    await expect(pastElection(() => Promise.reject(other), time)).rejects.toBe(other)
    expect(time.monotonicMs()).toBe(0)
  })
})
