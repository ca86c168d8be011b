import { expect, it } from 'vitest'
import { systemClock } from '../../../common/clock.js'
import { memoryWatch } from '../../../guestagent/observe/memory-watch.js'
import { infoFacts } from '../../../guestagent/redis/info.js'

const MB = 1024 * 1024

function stage() {
  let nowMs = 0
  const watch = memoryWatch(96 * MB, { ...systemClock, monotonicMs: () => nowMs })
  return {
    pass: (ms: number) => {
      nowMs += ms
    },
    /** What is said after a look with these fields. */
    fault: (fields: Readonly<Record<string, string | number>>) => {
      const all = { role: 'master', process_id: 7, maxmemory: 152 * MB, total_error_replies: 0, ...fields }
      return watch.fault(
        infoFacts(
          Object.entries(all)
            .map(([name, value]) => `${name}:${value}\r\n`)
            .join(''),
        ),
      )
    },
  }
}

it('a server counts as full when what it counts is more than its limit', () => {
  const { fault } = stage()
  expect(fault({ used_memory: 152 * MB })).toBeNull()
  expect(fault({ used_memory: 152 * MB + 1 })).toMatch(/out of memory.*152 MB.*96 MB.*Delete keys/)
  expect(fault({ used_memory: 160 * MB, mem_not_counted_for_evict: 8 * MB })).toBeNull()
})

it('a write that was refused since the last look is said for three seconds, though there is room at the look', () => {
  const { fault, pass } = stage()
  // An agent that was just started cannot know how old these are.
  expect(fault({ used_memory: MB, errorstat_OOM: 'count=5' })).toBeNull()
  expect(fault({ used_memory: MB, errorstat_OOM: 'count=6' })).not.toBeNull()
  pass(2_900)
  expect(fault({ used_memory: MB, errorstat_OOM: 'count=6' })).not.toBeNull()
  pass(200)
  expect(fault({ used_memory: MB, errorstat_OOM: 'count=6' })).toBeNull()
})

it('the first refusal of a server is one, and another process counts from its own beginning', () => {
  const { fault, pass } = stage()
  expect(fault({ used_memory: MB })).toBeNull()
  expect(fault({ used_memory: MB, errorstat_OOM: 'count=1' })).not.toBeNull()
  pass(4_000)
  expect(fault({ used_memory: MB, process_id: 8, errorstat_OOM: 'count=9' })).toBeNull()
})

it('a replica, a server without a limit and one that gives no answer say nothing', () => {
  const { fault } = stage()
  expect(fault({ used_memory: 200 * MB, role: 'slave' })).toBeNull()
  expect(fault({ used_memory: 200 * MB, maxmemory: 0 })).toBeNull()
  expect(memoryWatch(96 * MB, systemClock).fault(infoFacts(''))).toBeNull()
})
