import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTestApi, type TestApi } from '../harness/api.js'
import { observed } from '../harness/observed.js'
import { report } from '../harness/stored.js'

/** A terminal of 120 columns holds the longest name of a row, two frames and this. */
const COLUMNS_MAX = 100
/** A petabyte of writes: offsets have more digits on no server. */
const OFFSET = 2 ** 50

type Body = Record<string, unknown>

let api: TestApi
beforeEach(async () => {
  api = await openTestApi()
})
afterEach(() => api.close())

/** The cells of `openstack database instance show`: the client knows Trove's own objects and prints any other one as Python does. */
function cellsOf(instance: Body): ReadonlyMap<string, string> {
  const known: Record<string, (value: never) => unknown> = {
    flavor: ({ id }: { id: string }) => id,
    volume: ({ size: sizeGb }: Body) => sizeGb,
    ip: (hosts: readonly string[]) => hosts.join(', '),
    datastore: ({ type }: { type: string }) => type,
    replica_of: ({ id }: { id: string }) => id,
    replicas: (all: readonly { id: string }[]) => all.map(({ id }) => id).join(', '),
    fault: ({ message }: { message: string }) => message,
    access: () => '',
    links: () => '',
  }
  return new Map(
    Object.entries(instance).map(([key, value]) => {
      const shown = known[key] ? known[key](value as never) : value // each reader names what the API has there
      return [key, typeof shown === 'string' ? shown : inPython(shown)]
    }),
  )
}

/** `str(value)` of what JSON can hold. */
function inPython(value: unknown): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return `'${value}'`
  if (Array.isArray(value)) return `[${value.map(inPython).join(', ')}]`
  if (typeof value !== 'object') return String(value)
  return `{${Object.entries(value)
    .map(([key, one]) => `'${key}': ${inPython(one)}`)
    .join(', ')}}`
}

describe('the table of the OpenStack client', () => {
  it('has no cell that is too wide for a terminal, whatever an instance is', async () => {
    const [source = '', first = '', second = ''] = await api.healthySet(2)
    const busy = observed({ offset: OFFSET, memoryUsedBytes: OFFSET, diskUsedBytes: OFFSET, keys: OFFSET })
    await report(api.store, source, busy, 0, 2)
    const behind = observed({
      role: 'replica',
      link: 'syncing',
      offset: OFFSET / 2,
      fenced: true,
      lastIoSecondsAgo: 0,
    })
    await report(api.store, first, behind, 0, 2)
    await report(api.store, second, { ...behind, offset: 0 }, 0, 2)
    await api.send('post', `/instances/${first}/action`, { promote_to_replica_source: {} })
    for (const id of [source, first, second]) {
      const { instance } = (await api.send('get', `/instances/${id}`)).body
      const wide = [...cellsOf(instance)].filter(([, cell]) => cell.length > COLUMNS_MAX)
      expect(wide, instance.replication.role).toEqual([])
    }
  })
})
