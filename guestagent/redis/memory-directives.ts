/* The directives that bound a server's memory. Of use at a start and, value by value, on a running server: all of them can be changed there. */

import { isAtLeast } from '../../domain/datastore/server-version.js'
import { type MemoryBudget, memoryBudget } from '../../domain/instance/memory-budget.js'
import type { Capabilities } from './capabilities.js'
import type { Directive } from './directive.js'
import { forVersion } from './directive-names.js'

const MB = 1024 * 1024

/** By the newest names, for a server that holds `dataBytes` of data (0: no limit). */
export function memoryDirectives(dataBytes: number, can: Capabilities): readonly Directive[] {
  const budget = memoryBudget(dataBytes)
  const clients = String(budget.clientBytes)
  return [
    ['maxmemory', String(budget.maxMemoryBytes)],
    ...requestLimits(budget, can),
    ['client-output-buffer-limit', 'normal', clients, '0', '0'],
    ['client-output-buffer-limit', 'replica', String(replicaLimitBytes(budget, can)), '0', '0'],
    ['repl-backlog-size', String(budget.backlogBytes)],
  ]
}

/**
 * From 7.0 on. Before, a replica held its source to these too: a large value that a script made would break the link again and again, with a
 * whole copy each time.
 */
function requestLimits({ clientBytes, valueBytes }: MemoryBudget, can: Capabilities): readonly Directive[] {
  if (!isAtLeast(can.version, '7.0')) return []
  return [
    ['maxmemory-clients', String(clientBytes)],
    ['client-query-buffer-limit', String(clientBytes)],
    ['proto-max-bulk-len', String(valueBytes)],
  ]
}

/** As arguments of CONFIG SET, by the names that the server knows. */
export function memorySettings(dataBytes: number, can: Capabilities): readonly (readonly [string, string])[] {
  return forVersion(memoryDirectives(dataBytes, can), can).map(([name, ...words]) => [name, words.join(' ')])
}

/** From 7.0 on all replicas share what waits for them; before, each has its own, and there may be five. */
function replicaLimitBytes(
  { replicaBufferBytes }: { replicaBufferBytes: number },
  can: Capabilities,
): number {
  if (isAtLeast(can.version, '7.0')) return replicaBufferBytes
  return Math.max(16 * MB, Math.round(replicaBufferBytes / 5))
}
