/* A task manager that dies, or stands still, in the middle of a promote: how long until the operation goes on. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from '../common/wait-until.js'
import { replicaSet } from '../test/harness/replica-set.js'
import { startStack } from '../test/harness/stack.js'
import { type Bench, ms } from './figure.js'
import { summary } from './statistics.js'

const ROUNDS = 10
const LEASE_MS = 3_000
const RESUMED_MS_MAX = LEASE_MS + 2_000
const PLACE = 'promote_to_replica_source/lead the new source/before'

export const resume: Bench = {
  name: 'resume',
  run: async (progress) => {
    const dir = mkdtempSync(join(tmpdir(), 'redtrove-bench-'))
    const failpoint = join(dir, 'place')
    const stack = await startStack({ env: { REDTROVE_FAILPOINT: `file:${failpoint}` } })
    const resumed: number[] = []
    const ended: number[] = []
    try {
      const set = await replicaSet(stack, 'resume', 1)
      for (let round = 0; round < ROUNDS; round += 1) {
        progress(`kill ${round + 1} of ${ROUNDS}`)
        for (const id of set.ids) await stack.client.healthy(id)
        const source = await set.sourceId()
        const candidate = set.ids.find((id) => id !== source) ?? ''
        writeFileSync(failpoint, PLACE)
        const answer = await stack.client.act(candidate, 'promote_to_replica_source')
        await waitUntil(
          'the task manager dies',
          () => existsSync(failpoint),
          (there) => !there,
          { timeoutMs: 30_000, pollMs: 1 },
        )
        const diedMs = performance.now()
        await waitUntil(
          'another one has taken the operation',
          () => stack.client.operation(answer.operationId ?? ''),
          ({ attempt }) => (attempt ?? 0) > 1,
          { timeoutMs: 30_000, pollMs: 5 },
        )
        resumed.push(performance.now() - diedMs)
        const operation = await stack.client.ended(answer.operationId)
        ended.push(performance.now() - diedMs)
        if (operation.state !== 'done') throw new Error(`promote ended ${JSON.stringify(operation)}`)
      }
    } finally {
      await stack.stop()
      rmSync(dir, { recursive: true, force: true })
    }
    const [again, done] = [summary(resumed), summary(ended)]
    return [
      {
        name: 'task manager killed in the middle of a promote → operation taken up again',
        ours: `median ${ms(again.median)}, max ${ms(again.max)}; ended after median ${ms(done.median)}, max ${ms(done.max)}`,
        baseline: null,
        ratio: null,
        bar: `≤ lease + 2 s (lease ${LEASE_MS / 1000} s)`,
        holds: again.max <= RESUMED_MS_MAX,
        raw: { resumed, ended },
        notes: [
          'the only task manager: its start again is included; Trove leaves such an operation for ever',
        ],
      },
    ]
  },
}
