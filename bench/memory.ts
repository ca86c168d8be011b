/* What a guest agent costs while nothing happens. */
import { replicaSet } from '../test/harness/replica-set.js'
import { startStack } from '../test/harness/stack.js'
import type { Bench } from './figure.js'
import { megabytes } from './megabytes.js'
import { summary } from './statistics.js'

const REST_MS = 30_000
const RSS_MB_MAX = 60

export const memory: Bench = {
  name: 'memory',
  run: async (progress) => {
    const stack = await startStack()
    try {
      const set = await replicaSet(stack, 'memory', 3)
      progress(`resting ${REST_MS / 1000} s`)
      await new Promise((resolve) => setTimeout(resolve, REST_MS))
      const agents = set.ids.map((id) => stack.guest(id).agentPid)
      const rss = agents.map((pid) => megabytes(pid, 'Rss'))
      const pss = agents.map((pid) => megabytes(pid, 'Pss'))
      const own = agents.map((pid) => megabytes(pid, 'Private_Dirty'))
      const all = summary(rss)
      return [
        {
          name: 'memory of one guest agent at rest (RSS)',
          ours: `median ${all.median.toFixed(0)} MB, max ${all.max.toFixed(0)} MB`,
          baseline: null,
          ratio: null,
          bar: `≤ ${RSS_MB_MAX} MB`,
          holds: all.max <= RSS_MB_MAX,
          raw: { rss, pss, own },
          notes: [
            `of it ${summary(own).median.toFixed(0)} MB are its own; its share of what agents have in common included (PSS) ${summary(pss).median.toFixed(0)} MB`,
          ],
        },
      ]
    } finally {
      await stack.stop()
    }
  },
}
