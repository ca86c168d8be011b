/* Runs a command in a network and mount namespace of its own: rules and mounts that a test makes there end with it. */
import { orExplain, run } from './machine.mjs'

const [command, ...args] = process.argv.slice(2)
// Whoever is not root becomes root of a user namespace, which may change nothing outside.
const who = process.getuid?.() === 0 ? [] : ['--map-root-user']
const script = 'ip link set lo up && exec "$@"'

await orExplain(() =>
  run('unshare', ['--net', '--mount', ...who, 'sh', '-c', script, 'sh', command ?? 'true', ...args], {
    env: { ...process.env, REDTROVE_TEST_NAMESPACE: '1' },
  }),
)
