/*
 * Makes what a control plane whose parts are containers has to keep secret, once: the passwords of database and broker, and a private CA with
 * their certificates and the API's. Runs as root before everything else, at each `up`; passwords stay, what is made of them is kept true,
 * and a certificate that ends soon or lacks a name is made anew.
 *
 *   AUTHORITY/ca.pem, ca.key                               seen by nobody else
 *   STATE/secrets/database-url, amqp-url, guest-amqp-url,
 *     amqp-management-url                                  for us alone (0600, user 10001)
 *   STATE/tls/ca.pem, api.pem, api.key                     the same
 *   RUN                                                    the host part's socket, for it and the task managers (0700, user 10001)
 *   SERVICES/postgres/postgres-password, pg_hba.conf       for the database, which has a user of its own (0444)
 *   SERVICES/rabbitmq/rabbitmq.conf, enabled_plugins       for the broker, the same
 *   SERVICES/postgres/postgres.key, …/rabbitmq.key, .pem   each copies its own while it still is root (0600)
 */
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { authority, ensureCertificate } from './certificates.mjs'

const [state, services, authorityDir, run] = process.argv.slice(2)
const [database, broker] = [join(services, 'postgres'), join(services, 'rabbitmq')]
const USER = 10_001
const { REDTROVE_GUEST_BROKER = 'rabbitmq', REDTROVE_API_NAMES = '' } = process.env

/** Writes a file whole or not at all, unless it is like that already. */
function keep(file, text, mode, owner = 0) {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  const draft = `${file}.new`
  // Never through a link that another user of the volume has put there.
  rmSync(draft, { force: true })
  writeFileSync(draft, text, { mode, flag: 'wx' })
  chownSync(draft, owner, owner)
  renameSync(draft, file)
}
const ours = (file, text, mode = 0o600) => keep(join(state, file), text, mode, USER)
const theirs = (folder, file, text) => keep(join(folder, file), text, 0o444)

/** The same at every start: the first one counts. */
function password(name) {
  const file = join(state, 'secrets', name)
  if (!existsSync(file)) keep(file, randomBytes(24).toString('hex'), 0o600, USER)
  return readFileSync(file, 'utf8')
}

for (const folder of [state, join(state, 'secrets'), join(state, 'tls'), ...(run ? [run] : [])]) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chownSync(folder, USER, USER)
}
for (const folder of [database, broker]) mkdirSync(folder, { recursive: true, mode: 0o755 })

const postgres = password('postgres-password')
const rabbitmq = password('rabbitmq-password')
ours('secrets/database-url', `postgres://redtrove:${postgres}@postgres:5432/redtrove\n`)
ours('secrets/amqp-url', `amqps://redtrove:${rabbitmq}@rabbitmq:5671/%2F\n`)
ours('secrets/guest-amqp-url', `amqps://redtrove:${rabbitmq}@${REDTROVE_GUEST_BROKER}:5671/%2F\n`)
ours('secrets/amqp-management-url', `https://redtrove:${rabbitmq}@rabbitmq:15671\n`)
theirs(database, 'postgres-password', postgres)
theirs(database, 'pg_hba.conf', 'local all all trust\nhostssl all all all scram-sha-256\n')
theirs(broker, 'enabled_plugins', '[rabbitmq_management].\n')
theirs(
  broker,
  'rabbitmq.conf',
  `default_user = redtrove
default_pass = ${rabbitmq}
loopback_users = none
listeners.tcp = none
listeners.ssl.default = 5671
ssl_options.cacertfile = /services/ca.pem
ssl_options.certfile = /run/redtrove/rabbitmq.pem
ssl_options.keyfile = /run/redtrove/rabbitmq.key
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false
channel_max = 64
max_message_size = 2097152
management.ssl.port = 15671
management.ssl.cacertfile = /services/ca.pem
management.ssl.certfile = /run/redtrove/rabbitmq.pem
management.ssl.keyfile = /run/redtrove/rabbitmq.key
management.disable_stats = true
management_agent.disable_metrics_collector = true
`,
)

mkdirSync(authorityDir, { recursive: true, mode: 0o700 })
const ca = authority(authorityDir, keep)
ours('tls/ca.pem', ca.pem, 0o644)
theirs(broker, 'ca.pem', ca.pem)
const apiNames = REDTROVE_API_NAMES.split(',')
  .map((name) => name.trim())
  .filter(Boolean)
/** Its files beside each other; last of all, since the servers wait for them. */
const certificate = (name, folder, names, owner) => {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  const made = ensureCertificate(ca, { name, names, ...files }, (...args) => keep(...args, owner))
  if (made) process.stdout.write(`made a certificate for ${name}: ${names.join(', ')}\n`)
}
certificate('api', join(state, 'tls'), ['localhost', '127.0.0.1', '::1', 'api-1', 'api-2', ...apiNames], USER)
certificate('postgres', database, ['postgres', 'localhost'], 0)
certificate('rabbitmq', broker, ['rabbitmq', 'localhost', REDTROVE_GUEST_BROKER], 0)
