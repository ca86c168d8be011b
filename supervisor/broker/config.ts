import { join } from 'node:path'
import type { BrokerIdentity } from './identity.js'

/** Twice what an agent or a task manager takes at all; the broker closes the channel of whoever sends more. */
const MESSAGE_BYTES_MAX = 2 * 1024 * 1024

/** Makes users over HTTP, on the loopback alone; its statistics are switched off. */
export const PLUGINS = '[rabbitmq_management].\n'

/** The files of a private broker's folder. */
export function brokerFiles(dir: string) {
  return {
    config: join(dir, 'advanced.config'),
    plugins: join(dir, 'enabled_plugins'),
    processes: join(dir, 'processes.json'),
    data: join(dir, 'data'),
    logs: join(dir, 'log'),
    log: join(dir, 'log', 'broker.log'),
    /** What is printed before the log is open: bad arguments, a crash of the emulator. */
    console: join(dir, 'log', 'console.log'),
  }
}

/**
 * The broker's folder as the broker is told of it. The management plugin ends the start over a path with letters beyond Latin-1, so such a folder is
 * named by what the broker's process has as its own folder.
 */
function asTold(dir: string): string {
  return /^[ -~]*$/.test(dir) ? dir : '/proc/self/cwd'
}

/**
 * The broker's settings as Erlang terms. The classic file and no rabbitmq.conf: translating the latter costs about half of the
 * start. One user of our own, who exists from the first start on, so there is no `guest`. Listeners on the loopback, and on `beside` when
 * guests come from there.
 */
export function renderConfig(
  { user, password, ports }: BrokerIdentity,
  dir: string,
  beside: string | null = null,
): string {
  const listeners = ['127.0.0.1', ...(beside === null ? [] : [beside])].map(
    (host) => `{"${host}", ${ports.amqp}}`,
  )
  // A user who may come from elsewhere is in no list of loopback users.
  const loopbackUsers = beside === null ? `<<${erlangString(user)}>>` : ''
  return `[
 {rabbit, [
  {tcp_listeners, [${listeners.join(', ')}]},
  {default_vhost, <<"/">>},
  {default_user, <<${erlangString(user)}>>},
  {default_pass, <<${erlangString(password)}>>},
  {default_user_tags, [administrator]},
  {loopback_users, [${loopbackUsers}]},
  {channel_max, 64},
  {max_message_size, ${MESSAGE_BYTES_MAX}},
  {log, [
   {console, [{enabled, false}]},
   {file, [{file, ${erlangString(brokerFiles(asTold(dir)).log)}}, {level, info}, {size, 10485760}, {count, 2}]},
   {categories, [{connection, [{level, warning}]}]}
  ]}
 ]},
 {rabbitmq_management, [{tcp_config, [{ip, "127.0.0.1"}, {port, ${ports.http}}]}, {disable_management_stats, true}]},
 {rabbitmq_management_agent, [{disable_metrics_collector, true}, {rates_mode, none}]},
 {kernel, [{inet_dist_use_interface, {127,0,0,1}}]}
].
`
}

/**
 * The environment of RabbitMQ's start script: nothing of the machine's own RabbitMQ settings, nothing of ours but PATH.
 * ALLOW_INPUT makes the script become the emulator instead of waiting for it, so that its pid is the broker's;
 * `-noinput` then gives back what that setting took away.
 */
export function brokerEnvironment(
  { node, ports }: BrokerIdentity,
  dir: string,
  path: string,
): Record<string, string> {
  const files = brokerFiles(asTold(dir))
  return {
    PATH: path,
    HOME: dir,
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_CRASH_DUMP_SECONDS: '0',
    RABBITMQ_NODENAME: node,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.dist),
    RABBITMQ_MNESIA_BASE: files.data,
    RABBITMQ_LOG_BASE: files.logs,
    RABBITMQ_LOGS: files.log,
    RABBITMQ_ENABLED_PLUGINS_FILE: files.plugins,
    RABBITMQ_ADVANCED_CONFIG_FILE: files.config,
    RABBITMQ_CONFIG_FILE: join(asTold(dir), 'none'),
    RABBITMQ_CONFIG_FILES: join(asTold(dir), 'none', '*.conf'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none -noinput',
  }
}

function erlangString(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
