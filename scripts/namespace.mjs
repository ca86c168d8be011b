/* Runs a command in a network and mount namespace of its own: rules and mounts that a test makes there end with it. */
import { spawnSync } from 'node:child_process'

const [command, ...args] = process.argv.slice(2)
// Whoever is not root becomes root of a user namespace, which may change nothing outside.
const who = process.getuid?.() === 0 ? [] : ['--map-root-user']
const script = 'ip link set lo up && exec "$@"'
const { status, error, signal } = spawnSync(
  'unshare',
  ['--net', '--mount', ...who, 'sh', '-c', script, 'sh', command ?? 'true', ...args],
  { stdio: 'inherit', env: { ...process.env, REDTROVE_TEST_NAMESPACE: '1' } },
)
if (error || (status !== 0 && status === null && !signal))
  process.stderr.write(`No namespace can be made here: ${error?.message}\n`)
process.exitCode = status ?? 1
