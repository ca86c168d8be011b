/* Process 1 of a guest in a container, with a stand-in for the agent: when it ends, everything in the container does. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { waitUntil } from '../../../common/wait-until.js'

const SCRIPT = join(import.meta.dirname, '..', '..', '..', 'deploy', 'guest-entrypoint.sh')
const folder = mkdtempSync(join(tmpdir(), 'redtrove-entrypoint-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('ends after its agent, also when it is told twice', async () => {
  const agent =
    '#!/bin/sh\ntrap "sleep 0.3; echo closed; exit" TERM\necho ready\nwhile :; do sleep 0.05; done\n'
  writeFileSync(join(folder, 'node'), agent, { mode: 0o755 })
  const child = spawn('sh', [SCRIPT, 'seed.json'], {
    env: { PATH: `${folder}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  await waitUntil(
    'the agent runs',
    () => output,
    (all) => all.includes('ready'),
    { timeoutMs: 15_000 },
  )
  const exited = once(child, 'exit').then(() => output)
  child.kill('SIGTERM')
  await setTimeout(50)
  child.kill('SIGTERM')
  expect(await exited).toBe('ready\nclosed\n')
})
