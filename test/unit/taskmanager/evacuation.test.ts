import { expect, it } from 'vitest'
import type { InstanceFacts } from '../../../store/store.js'
import { departureOf } from '../../../taskmanager/watchers/evacuation.js'

type Member = {
  id: string
  role?: 'source' | 'replica'
  link?: 'up' | 'down'
  silent?: boolean
  busy?: boolean
  fault?: boolean
  onDisk?: boolean
}

const SOURCE: Member = { id: 's', role: 'source' }
/** Nothing else is looked at. */
const facts = ({
  id,
  role = 'replica',
  link = 'up',
  silent = false,
  busy = false,
  fault = false,
  onDisk = true,
}: Member) =>
  ({
    instance: { id, role, fault: fault ? {} : null },
    operation: busy ? {} : null,
    stored: silent ? null : { observation: { link, persistenceOk: onDisk } },
  }) as unknown as InstanceFacts

const decide = (members: readonly Member[], leaving: readonly string[]) =>
  departureOf(members.map(facts), new Set(leaving), ({ stored }) => stored !== null)

it.each<[string, readonly Member[], readonly string[], string | null]>([
  ['a replica is made anew elsewhere', [SOURCE, { id: 'a' }], ['a'], 'migrate_replica a'],
  [
    'a silent one too: nothing of it is needed',
    [SOURCE, { id: 'a', silent: true }],
    ['a'],
    'migrate_replica a',
  ],
  ['a source hands over', [SOURCE, { id: 'a' }, { id: 'b' }], ['s'], 'promote_to_replica_source a'],
  [
    'to one whose link is up',
    [SOURCE, { id: 'a', link: 'down' }, { id: 'b' }],
    ['s'],
    'promote_to_replica_source b',
  ],
  [
    'that writes to disk',
    [SOURCE, { id: 'a', onDisk: false }, { id: 'b' }],
    ['s'],
    'promote_to_replica_source b',
  ],
  [
    'that is heard of and well',
    [SOURCE, { id: 'a', silent: true }, { id: 'b', fault: true }, { id: 'c' }],
    ['s'],
    'promote_to_replica_source c',
  ],
  [
    'replicas go first, so that it hands over to one elsewhere',
    [SOURCE, { id: 'a' }, { id: 'b' }],
    ['s', 'b'],
    'migrate_replica b',
  ],
  ['one operation a set at a time', [SOURCE, { id: 'a' }, { id: 'b', busy: true }], ['a'], null],
  [
    'a source that its host has ended is ejected',
    [{ ...SOURCE, silent: true }, { id: 'a' }],
    ['s'],
    'eject_replica_source s',
  ],
  [
    'not while nobody else is heard of',
    [
      { ...SOURCE, silent: true },
      { id: 'a', silent: true },
    ],
    ['s'],
    null,
  ],
  ['without its source nothing can be copied', [{ ...SOURCE, silent: true }, { id: 'a' }], ['a'], null],
  ['what stands alone stays', [SOURCE], ['s'], null],
  ['nobody has to leave', [SOURCE, { id: 'a' }], [], null],
])('%s', (_what, members, leaving, expected) => {
  const departure = decide(members, leaving)
  expect(departure && `${departure.kind} ${departure.instanceId}`).toBe(expected)
})
