import { expect, test } from 'vitest'
import { followRefusal, type ServerKind } from '../../../domain/datastore/version.js'

const kind = (text: string): ServerKind => {
  const [datastore, name = ''] = text.split(' ')
  return { datastore: datastore === 'valkey' ? 'valkey' : 'redis', name }
}

test.each([
  ['redis 7.0', 'redis 7.0', true],
  ['redis 6.0', 'redis 7.0', true],
  ['redis 7.0', 'redis 8.0', true],
  ['redis 8.0', 'redis 7.0', false],
  ['redis 9.0', 'redis 10.0', true],
  ['redis 10.0', 'redis 9.0', false],
  ['redis 7.0', 'valkey 8.1', true],
  ['redis 7.2', 'valkey 8.0', true],
  ['redis 7.4', 'valkey 8.1', false],
  ['redis 8.0', 'valkey 8.1', false],
  ['valkey 8.0', 'valkey 8.1', true],
  ['valkey 8.1', 'valkey 8.0', false],
  ['valkey 8.1', 'redis 8.0', false],
])('%s sends to %s: %s', (source, replica, follows) => {
  expect(followRefusal(kind(source), kind(replica)) === null).toBe(follows)
})
