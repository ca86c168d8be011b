/*
 * Makes the passwords of a control plane whose parts are containers, once: those of the database and the broker, and the addresses that
 * have them. Runs as root before everything else; what is there already stays.
 *
 *   STATE/secrets/database-url, amqp-url, guest-amqp-url   for us alone (0600, user 10001)
 *   SERVICES/postgres-password, rabbitmq.conf              for the database and the broker, which have users of their own (0444)
 */
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [state, services] = process.argv.slice(2)
const USER = 10_001
const { REDTROVE_GUEST_BROKER = 'rabbitmq' } = process.env

function write(file, text, mode, owner) {
  if (existsSync(file)) return
  const draft = `${file}.new`
  writeFileSync(draft, text, { mode })
  if (owner !== undefined) chownSync(draft, owner, owner)
  renameSync(draft, file)
}

/** The same at every start: the file is written whole or not at all, and the first one counts. */
function password(name) {
  const file = join(state, 'secrets', name)
  write(file, randomBytes(24).toString('hex'), 0o600, USER)
  return readFileSync(file, 'utf8')
}

mkdirSync(join(state, 'secrets'), { recursive: true, mode: 0o700 })
for (const folder of [state, join(state, 'secrets')]) chownSync(folder, USER, USER)
mkdirSync(services, { recursive: true, mode: 0o755 })

const ours = (name, text) => write(join(state, 'secrets', name), `${text}\n`, 0o600, USER)
const postgres = password('postgres-password')
const rabbitmq = password('rabbitmq-password')
ours('database-url', `postgres://redtrove:${postgres}@postgres:5432/redtrove`)
ours('amqp-url', `amqp://redtrove:${rabbitmq}@rabbitmq:5672/%2F`)
ours('guest-amqp-url', `amqp://redtrove:${rabbitmq}@${REDTROVE_GUEST_BROKER}:5672/%2F`)
write(join(services, 'postgres-password'), postgres, 0o444)
write(
  join(services, 'rabbitmq.conf'),
  `default_user = redtrove\ndefault_pass = ${rabbitmq}\nloopback_users = none\n`,
  0o444,
)
