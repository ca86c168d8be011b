/* The test's own network namespace: rules that are made here end with it and touch nothing else. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Connections from here pass by all rules: the tests' own clients and the onward side of proxies. */
export const UNTOUCHED = '127.77.77.77'

/** Fails unless this process runs in a namespace that `scripts/namespace.mjs` made. */
export function requireNamespace(): void {
  if (process.env.REDTROVE_TEST_NAMESPACE === '1') return
  throw new Error(
    'Fault tests change network rules, so they run in a network namespace of their own: npm run test:faults',
  )
}

/** Sends what goes to a member's redis-server through a proxy, except what comes from `UNTOUCHED`. */
export async function detour(host: string, proxyPort: number): Promise<void> {
  await iptables('-t', 'nat', '-A', ...through(host, proxyPort))
}

export async function endDetour(host: string, proxyPort: number): Promise<void> {
  await iptables('-t', 'nat', '-D', ...through(host, proxyPort))
}

/** Drops a share of the packets between anybody and a member, both ways, except the tests' own. */
export async function losePackets(host: string, share: number): Promise<() => Promise<void>> {
  const rules = [
    ['-d', host, '!', '-s', UNTOUCHED],
    ['-s', host, '!', '-d', UNTOUCHED],
  ].map((who) => [
    'OUTPUT',
    '-p',
    'tcp',
    ...who,
    '-m',
    'statistic',
    '--mode',
    'random',
    '--probability',
    String(share),
    '-j',
    'DROP',
  ])
  for (const rule of rules) await iptables('-A', ...rule)
  return async () => {
    for (const rule of rules) await iptables('-D', ...rule)
  }
}

function through(host: string, proxyPort: number): string[] {
  const to = `127.0.0.1:${proxyPort}`
  const match = ['-p', 'tcp', '-d', host, '--dport', '6379', '!', '-s', UNTOUCHED]
  return ['OUTPUT', ...match, '-j', 'DNAT', '--to-destination', to]
}

async function iptables(...args: string[]): Promise<void> {
  // -w: another test's rule may be under way.
  await run('iptables', ['-w', '5', ...args])
}
