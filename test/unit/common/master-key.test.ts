import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keyRing } from '../../../common/secrets/key-ring.js'
import { masterKey } from '../../../common/secrets/master-key.js'
import {
  openCredentials,
  openPassword,
  sealCredentials,
  sealPassword,
} from '../../../store/sealed-credentials.js'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'redtrove-key-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

test('programs that start together agree on one master key, which only the owner can read', async () => {
  const path = join(dir, 'secrets', 'master.key')
  const keys = await Promise.all(Array.from({ length: 8 }, () => masterKey(path)))
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(dir, 'secrets'))).toEqual(['master.key'])
})

test('a torn master key is refused instead of replaced', async () => {
  const path = join(dir, 'master.key')
  await writeFile(path, 'abc')
  await expect(masterKey(path)).rejects.toMatchObject({ kind: 'bad_setting' })
})

test('sealed credentials open again, with the same key and for the same purpose only', () => {
  const ring = keyRing(Buffer.alloc(32, 1))
  const credentials = { application: ['app-password-1'], replication: 'repl-password-1' }
  const sealed = sealCredentials(ring, credentials)
  expect(sealed).not.toContain('app-password-1')
  expect(openCredentials(ring, sealed)).toEqual(credentials)
  expect(() => openCredentials(keyRing(Buffer.alloc(32, 2)), sealed)).toThrow('cannot be opened')
  expect(() => openPassword(ring, sealed)).toThrow('cannot be opened')
  expect(openPassword(ring, sealPassword(ring, 'a-new-password'))).toBe('a-new-password')
})
