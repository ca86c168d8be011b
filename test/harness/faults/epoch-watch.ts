/* I7: the epoch that an agent keeps on disk only grows, whatever happens to the agent. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readSlots } from '../../../guestagent/memory/slots-file.js'

const LOOK_MS = 50

/** Looks at every guest's state file; answers at `stop` with what went backwards and the greatest epoch seen. */
export function watchEpochs(stateDir: string): {
  stop(): { readonly backwards: readonly string[]; readonly highest: number }
} {
  const guests = join(stateDir, 'guests')
  const seen = new Map<string, { epoch: number; attempt: number }>()
  const backwards: string[] = []
  const look = () => {
    for (const id of existsSync(guests) ? readdirSync(guests) : []) {
      const now = stateOf(join(guests, id, 'state'))
      const before = seen.get(id)
      if (!now) continue
      if (
        before &&
        (now.epoch < before.epoch || (now.epoch === before.epoch && now.attempt < before.attempt))
      )
        backwards.push(`${id} went from ${before.epoch}.${before.attempt} to ${now.epoch}.${now.attempt}`)
      seen.set(id, now)
    }
  }
  const timer = setInterval(look, LOOK_MS)
  return {
    stop: () => {
      clearInterval(timer)
      look()
      return { backwards, highest: Math.max(0, ...[...seen.values()].map(({ epoch }) => epoch)) }
    },
  }
}

function stateOf(file: string): { epoch: number; attempt: number } | null {
  try {
    return JSON.parse(readSlots(file) ?? 'null') as { epoch: number; attempt: number }
  } catch {
    return null
  }
}
