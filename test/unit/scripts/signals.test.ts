import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { identify } from '../../../common/processes/process-identity.js'
import { waitUntil } from '../../../common/wait-until.js'
import { endGroups } from '../../harness/process-group.js'

const SCRIPT = join(import.meta.dirname, 'running-script.mjs')
const children: ChildProcess[] = []
afterEach(() => endGroups(children))

/** Starts the script in a process group of its own and waits until its child runs. */
async function started(how: string, { before = [] as readonly string[], env = {} } = {}) {
  const [command = '', ...args] = [...before, process.execPath, SCRIPT, how]
  const { npm_lifecycle_event: _, ...own } = process.env
  const script = spawn(command, args, {
    env: { ...own, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(script)
  let output = ''
  script.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  await waitUntil('its child runs', () => /child \d+/.test(output), Boolean, { timeoutMs: 15_000 })
  return { script, child: Number(/child (\d+)/.exec(output)?.[1]), output }
}

const gone = (pid: number) =>
  waitUntil(
    `process ${pid} has ended`,
    () => identify(pid),
    (left) => left === null,
    { timeoutMs: 15_000 },
  )

it.each(
  (['SIGTERM', 'SIGINT', 'SIGHUP'] as const).flatMap((signal) =>
    (['it', 'its group'] as const).map((whom) => [signal, whom] as const),
  ),
)('%s to %s, twice, ends a script when its child has ended, with its code', async (signal, whom) => {
  const { script, child } = await started('runs')
  const ended = once(script, 'exit')
  const pid = (whom === 'it' ? 1 : -1) * (script.pid ?? 0)
  process.kill(pid, signal)
  await setTimeout(10)
  process.kill(pid, signal)
  expect(await ended).toEqual([7, null])
  expect(identify(child)).toBe(null)
})

it('gives what it prepares with none of the settings', async () => {
  const { output } = await started('asks', { env: { REDTROVE_DATABASE_URL: 'postgres://u:secret@h/d' } })
  expect(output).toContain('PATH=')
  expect(output).not.toContain('secret')
})

it('ends what a script prepares with, and then the script', async () => {
  const { script, child } = await started('prepares')
  script.kill('SIGTERM')
  expect(await once(script, 'exit')).toEqual([1, null])
  expect(identify(child)).toBe(null)
})

it('ends the child of a script whose npm is killed', async () => {
  const npm = ['sh', '-c', '"$@" & wait', 'sh']
  const { script, child } = await started('runs', { before: npm, env: { npm_lifecycle_event: 'start' } })
  script.kill('SIGKILL')
  await gone(child)
})

it('ends a program of ours whose script is killed', async () => {
  const { script, child } = await started('channel')
  script.kill('SIGKILL')
  await gone(child)
})
