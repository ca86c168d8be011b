/* Machines as far as a Docker Engine can see: network, host name and /run of their own, joined by a bridge. They end with their process. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const BRIDGE = 'rt-swarm'
/** First three numbers of all addresses on the bridge. */
const NET = '10.213.0'

/** One of them. */
export interface Machine {
  readonly name: string
  readonly pid: number
  readonly address: string
}

/** Address of the test's own side. */
export const OUTSIDE = `${NET}.1`

/** Makes `count` machines; the returned function ends them. Meant for a network namespace of the test's own. */
export async function makeMachines(
  count: number,
): Promise<{ machines: readonly Machine[]; end: () => Promise<void> }> {
  await run('ip', ['link', 'add', BRIDGE, 'type', 'bridge'])
  await run('ip', ['address', 'add', `${OUTSIDE}/24`, 'dev', BRIDGE])
  await run('ip', ['link', 'set', BRIDGE, 'up'])
  const holders: ChildProcess[] = []
  const machines: Machine[] = []
  for (let n = 1; n <= count; n += 1) {
    const name = `node-${n}`
    const holder = await hold(name)
    holders.push(holder)
    const machine = { name, pid: holder.pid ?? 0, address: `${NET}.${10 + n}` }
    await wire(machine, n)
    machines.push(machine)
  }
  return {
    machines,
    end: async () => {
      for (const holder of holders) holder.kill('SIGKILL')
      await run('ip', ['link', 'delete', BRIDGE])
    },
  }
}

/** Says that it is there once its namespaces are. */
async function hold(name: string): Promise<ChildProcess> {
  const script = `hostname ${name} && mount -t tmpfs none /run && echo there && exec sleep infinity`
  const holder = spawn('unshare', ['--net', '--uts', '--mount', 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    holder.stdout?.once('data', () => resolve())
    holder.once('exit', (code) => reject(new Error(`no machine ${name}: unshare ended with ${code}`)))
  })
  return holder
}

async function wire({ pid, address }: Machine, n: number): Promise<void> {
  const outer = `rt-swarm-${n}`
  const inside = (...args: readonly string[]) => run('nsenter', [`--target=${pid}`, '--net', 'ip', ...args])
  await run('ip', ['link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid)])
  await run('ip', ['link', 'set', outer, 'master', BRIDGE, 'up'])
  await inside('link', 'set', 'lo', 'up')
  await inside('address', 'add', `${address}/24`, 'dev', 'eth0')
  await inside('link', 'set', 'eth0', 'up')
  await inside('route', 'add', 'default', 'via', OUTSIDE)
}

/** Pulls a machine's cable, or puts it back. */
export async function setCable(n: number, state: 'up' | 'down'): Promise<void> {
  await run('ip', ['link', 'set', `rt-swarm-${n}`, state])
}
