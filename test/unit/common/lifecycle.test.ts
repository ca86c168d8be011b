import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { identify } from '../../../common/processes/process-identity.js'
import { waitUntil } from '../../../common/wait-until.js'
import { endGroups } from '../../harness/process-group.js'

const children: ChildProcess[] = []
const folder = mkdtempSync(join(tmpdir(), 'redtrove-lifecycle-'))
/** In one file, since it is started many times. */
const PROGRAM = join(folder, 'program.mjs')
beforeAll(() =>
  build({
    entryPoints: [join(import.meta.dirname, 'stopping-program.ts')],
    outfile: PROGRAM,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  }),
)
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => endGroups(children))

/** Starts it, perhaps behind another program, and waits until it listens for signals. */
async function started({
  before = [] as readonly string[],
  env = {} as Readonly<Record<string, string>>,
  channel = false,
} = {}) {
  const [command = '', ...args] = [...before, process.execPath, PROGRAM]
  const { npm_lifecycle_event: _, ...own } = process.env
  const child = spawn(command, args, {
    env: { ...own, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit', ...(channel ? (['ipc'] as const) : [])],
  })
  children.push(child)
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const said = (text: string) =>
    waitUntil(
      `it says ${text}`,
      () => output,
      (all) => all.includes(text),
      { timeoutMs: 15_000 },
    )
  await said('ready\n')
  return { child, output: () => output, said }
}

describe.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s', (signal) => {
  it('sent twice at once lets a program close what it has', async () => {
    const { child, output } = await started()
    const ended = once(child, 'close')
    child.kill(signal)
    await setTimeout(10)
    child.kill(signal)
    expect([await ended, output()]).toEqual([[0, null], 'ready\nclosed\n'])
  })
})

it('a program that has closed everything ends with its own code, however often it is told to end', async () => {
  const { child, output } = await started()
  const ended = once(child, 'close')
  while (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGINT')
    await setImmediate()
  }
  expect([await ended, output()]).toEqual([[0, null], 'ready\nclosed\n'])
})

describe('a program is told to end', () => {
  it('by the end of the channel to who started it', async () => {
    const { child, said } = await started({ channel: true })
    child.disconnect()
    await said('closed\n')
  })

  it('and does so though nobody reads what it says any more', async () => {
    const { child } = await started()
    child.stdout?.destroy()
    child.kill('SIGHUP')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it.each([
    ['npm', []],
    ["npm's shell", ['sh', '-c', '"$@"; exit', 'sh']],
  ])('by the end of %s, which tells nobody', async (_, shell) => {
    // A process in npm's place: it stays until it is killed, and what it runs goes on.
    const npm = ['sh', '-c', '"$@" & echo "pid $!"; wait', 'sh', ...shell]
    const { child, said, output } = await started({ before: npm, env: { npm_lifecycle_event: 'start' } })
    child.kill('SIGKILL')
    await said('closed\n')
    const pid = Number(/pid (\d+)/.exec(output())?.[1])
    await waitUntil(
      'it has ended',
      () => identify(pid),
      (left) => left === null,
      { timeoutMs: 15_000 },
    )
  })

  it('not by the end of a shell that npm has nothing to do with', async () => {
    const { child, output } = await started({ before: ['sh', '-c', '"$@" & echo "pid $!"; wait', 'sh'] })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const pid = Number(/pid (\d+)/.exec(output())?.[1])
    const left = identify(pid)
    process.kill(pid, 'SIGTERM')
    expect(left).not.toBe(null)
  })
})
