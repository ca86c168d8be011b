/*
 * The only reader of the environment. Each setting is declared once: name (with its unit), default, meaning. A process reads
 * the settings once at start; a bad value names every bad setting at once and the process exits 78 (EX_CONFIG).
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { RedtroveError } from '../errors.js'
import { farFolder } from '../files/far-folder.js'
import { tlsComplaints } from '../tls/complaints.js'

const positiveMs = z.coerce.number().int().positive()
const flag = z
  .enum(['0', '1', 'true', 'false', 'yes', 'no'])
  .transform((text) => ['1', 'true', 'yes'].includes(text))
/** Names a file; guests and children of ours work in other folders. */
const file = z
  .string()
  .min(1)
  .transform((path) => resolve(path))

/** `name=value`; there may be more of `=` in the value. */
const namedValue = (text: string): [string, string] => {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}

const settings = z.object({
  /** Everything that lives: database, keys, tokens, guests, the private broker. */
  REDTROVE_STATE_DIR: z
    .string()
    .min(1)
    .default('.redtrove')
    .transform((path) => resolve(path))
    .refine(
      // RabbitMQ's start script and Erlang's arguments do without; a control character would break every line that names a file.
      (path) => !/['"\p{Cc}]/u.test(path),
      'its whole path must have no quotes and no control characters: the private broker does not start there; choose another folder',
    ),
  REDTROVE_API_HOST: z.string().min(1).default('127.0.0.1'),
  /** 0 takes a free port; the ready line and clientrc say which. */
  REDTROVE_API_PORT: z.coerce.number().int().min(0).max(65535).default(8779),
  /** The API's certificate (PEM, with those between it and its CA) and its key: with them it speaks HTTPS and nothing else. */
  REDTROVE_API_CERT_FILE: file.optional(),
  REDTROVE_API_KEY_FILE: file.optional(),
  /** The CA of that certificate when it is a private one, for clients. */
  REDTROVE_CA_FILE: file.optional(),
  /** The key that seals what is secret at rest; the same for every part. Without it, one in the state directory. */
  REDTROVE_MASTER_KEY_FILE: file.optional(),
  /** Who may call the API. Without it, one in the state directory. */
  REDTROVE_TOKENS_FILE: file.optional(),
  /** `postgres://…`, or nothing for the SQLite file in the state directory. */
  REDTROVE_DATABASE_URL: z
    .string()
    .regex(/^(postgres(ql)?:\/\/|sqlite:)/, 'must start with postgres:// or sqlite:')
    .optional(),
  /** The CA of PostgreSQL's certificate; with it, or with sslmode=verify-full, the connection is verified. */
  REDTROVE_DATABASE_CA_FILE: file.optional(),
  /** `amqp://…` or `amqps://…`; nothing starts a private rabbitmq-server (npm start). */
  REDTROVE_AMQP_URL: z
    .string()
    .regex(/^amqps?:\/\//, 'must start with amqp:// or amqps://')
    .optional(),
  /**
   * The HTTP API of the management plugin of the broker that `REDTROVE_AMQP_URL` names, with an administrator's account: with it each guest has a
   * user of its own there. The private broker has it anyway.
   */
  REDTROVE_AMQP_MANAGEMENT_URL: z
    .string()
    .regex(/^https?:\/\//, 'must start with http:// or https://')
    .optional(),
  /** The CA of the broker's certificate when it is a private one; guests get a copy. */
  REDTROVE_AMQP_CA_FILE: file.optional(),
  /** Where instances live: processes of this machine, containers of a Docker Engine, or services of a Swarm. */
  REDTROVE_COMPUTE: z.enum(['process', 'docker', 'swarm']).default('process'),
  /** The engine of the docker provider; for the swarm provider, of a manager. */
  REDTROVE_DOCKER_HOST: z
    .string()
    .regex(/^(unix:\/\/\/|tcp:\/\/)/, 'must start with unix:/// or tcp://')
    .default('unix:///var/run/docker.sock'),
  /** Guests of the docker and swarm providers get addresses out of this /16 (first two numbers). */
  REDTROVE_DOCKER_NETWORK: z
    .string()
    .regex(/^(10|172|192)\.\d{1,3}$/, 'must look like 172.30')
    .default('172.30'),
  /** Volume driver of the engine that makes the docker provider's volumes. */
  REDTROVE_DOCKER_VOLUME_DRIVER: z.string().min(1).default('local'),
  /** Options of that driver, separated by blanks; `{gb}` is the size that was asked for. */
  REDTROVE_DOCKER_VOLUME_OPTIONS: z
    .string()
    .regex(/^\s*([^\s=]+=\S+(\s+|$))*$/, 'must look like size={gb}G or type=xfs size={gb}G')
    .transform((text) => Object.fromEntries(text.split(/\s+/).filter(Boolean).map(namedValue)))
    .optional(),
  /** Names what is ours on an engine: containers, volumes and the network. Without it, made of the state directory's path. */
  REDTROVE_INSTALLATION: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'must be small letters, digits and hyphens')
    .optional(),
  /** The broker's address as guests reach it, when it is another one than ours. */
  REDTROVE_GUEST_AMQP_URL: z
    .string()
    .regex(/^amqps?:\/\//, 'must start with amqp:// or amqps://')
    .optional(),
  /** Instances of the process provider get addresses out of this /16 (first two numbers), for example 127.83. */
  REDTROVE_PROCESS_NETWORK: z
    .string()
    .regex(/^127\.\d{1,3}$/, 'must look like 127.83')
    .optional(),
  REDTROVE_HEARTBEAT_MS: positiveMs.default(1000),
  REDTROVE_HEARTBEAT_AGE_MS_MAX: positiveMs.default(6000),
  /** A taskmanager that stands still for this long loses its operations to another. */
  REDTROVE_LEASE_MS: positiveMs.default(3000),
  REDTROVE_SWEEP_MS: positiveMs.default(500),
  /** How long a promote may hold back writes before it gives up and lets them go on. */
  REDTROVE_PROMOTE_PAUSE_MS: positiveMs.max(10_000).default(2000),
  /** How long a new replica may take to link up before it alone goes to ERROR. */
  REDTROVE_REPLICA_SYNC_MS_MAX: positiveMs.default(600_000),
  /** Streaming the data set to new replicas without a file on the source's disk (Redis 2.8.18 and later). */
  REDTROVE_REPL_DISKLESS_SYNC: flag.default(true),
  /** How long a source waits for further replicas before a diskless transfer; used only when more than one is asked for. */
  REDTROVE_REPL_DISKLESS_SYNC_DELAY_SECONDS: z.coerce.number().int().min(0).max(600).default(5),
  REDTROVE_REPLICATION_STRATEGY: z.enum(['redis-sync']).default('redis-sync'),
  REDTROVE_MAX_INSTANCES_PER_PROJECT: z.coerce.number().int().min(-1).default(10),
  /** Largest volume that may be asked for. GB. */
  REDTROVE_VOLUME_GB_MAX: z.coerce.number().int().min(1).default(10),
  /** Requests a minute that one project may send per verb; more are answered with 413 and Retry-After. */
  REDTROVE_API_REQUESTS_PER_MINUTE: z.coerce.number().int().min(1).default(6000),
  /** How long ended operations with their steps, deleted instances and what belonged to them are kept. Days. */
  REDTROVE_HISTORY_DAYS: z.coerce.number().int().min(1).max(36_500).default(30),
  REDTROVE_REDIS_SERVER: z.string().min(1).default('redis-server'),
  /**
   * For crash tests, off by default: `kind/step/before` or `kind/step/after` kills the taskmanager (SIGKILL) at that step's edge,
   * `guestagent/step/before` and `…/after` the agent that gets there; `@/path/marker` at the end makes it once, the marker is written first. `file:/path` takes the place from a file.
   */
  REDTROVE_FAILPOINT: z
    .string()
    .regex(
      /^(file:\/.+|[a-z_]+\/[^/@]+\/(before|after)(@.+)?)$/,
      'must look like kind/step/before or kind/step/after@/path/marker',
    )
    .optional(),
  REDTROVE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export type Settings = z.output<typeof settings>

/**
 * Reads and checks every setting. Any of them may be in a file that `NAME_FILE` names instead, as container secrets are. Fails with
 * `bad_setting`, whose message has one line for each bad one.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>> = process.env): Settings {
  const given = Object.entries(env).filter(([name, value]) => name.startsWith('REDTROVE_') && value)
  const files = given.flatMap(([name, file = '']) => fileSetting(name, file, env))
  const all: Record<string, string | undefined> = {
    ...Object.fromEntries(given),
    ...Object.fromEntries(files),
  }
  const parsed = settings.safeParse(all)
  const unread = files.flatMap(([name, , why]) => (why === null ? [] : [`  ${name}_FILE: ${why}`]))
  const unfit = tlsComplaints(all).map(([name, what]) => `  ${name}: ${what}`)
  if (parsed.success && unread.length + unfit.length === 0) return parsed.data
  const bad = parsed.error?.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`) ?? []
  const lines = [...unread, ...bad, ...unfit]
  throw new RedtroveError('bad_setting', `Bad settings:\n${lines.join('\n')}`)
}

type FileSetting = readonly [name: string, value: string | undefined, why: string | null]

/** The setting that `NAME_FILE` gives: its value, or why there is none. */
function fileSetting(
  fileName: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly FileSetting[] {
  const name = fileName.replace(/_FILE$/, '')
  if (name === fileName || !(name in settings.shape)) return []
  if (env[name]) return [[name, env[name], `${name} is given too; only one of them can be meant`]]
  try {
    return [[name, readFileSync(file, 'utf8').trim(), null]]
  } catch (error) {
    return [[name, undefined, `${file} cannot be read: ${(error as Error).message}`]]
  }
}

/** npm (or npx) runs this process, at once or through its shell. */
export function isRunByNpm(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return env.npm_lifecycle_event !== undefined
}

/** Folders of programs (PATH), for a child that gets nothing else of our environment. */
export function searchPath(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
}

type Environment = Readonly<Record<string, string | undefined>>

/** Of the system's variables those that a program of ours may need and that hold no secret; the last marks what a run of the tests has started. */
const COMMON_VARIABLES = ['TMPDIR', 'TZ', 'LANG', 'LC_ALL', 'NODE_EXTRA_CA_CERTS', 'REDTROVE_TEST_RUN']

/** For an agent, a redis-server or a broker: no setting of ours, and nothing of what else is in our environment. */
export function guestEnvironment(env: Environment = process.env): Record<string, string> {
  const known = COMMON_VARIABLES.flatMap((name) => (env[name] ? [[name, env[name]]] : []))
  return { ...Object.fromEntries(known), PATH: searchPath(env) }
}

/** For another program of this service: the settings besides. */
export function programEnvironment(env: Environment = process.env): Record<string, string> {
  const settings = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && (name.startsWith('REDTROVE_') || name === 'HOME') ? [[name, value]] : [],
  )
  return { ...guestEnvironment(env), ...Object.fromEntries(settings) }
}

/** Files of a state directory; the one place that knows its layout. Folders are 0700, secrets 0600. */
export function stateLayout(stateDir: string) {
  return {
    database: join(stateDir, 'redtrove.sqlite'),
    clientrc: join(stateDir, 'clientrc'),
    tokens: join(stateDir, 'secrets', 'tokens.json'),
    masterKey: join(stateDir, 'secrets', 'master.key'),
    /** Written by the supervisor for its private broker; read by every child, so that the password is in no environment. */
    amqpUrl: join(stateDir, 'secrets', 'amqp-url'),
    /** The same without the account, for guests that have one of their own. */
    amqpAddress: join(stateDir, 'secrets', 'amqp-address'),
    /** The private broker's HTTP API, with its account. */
    amqpManagementUrl: join(stateDir, 'secrets', 'amqp-management-url'),
    broker: join(stateDir, 'broker'),
    run: join(stateDir, 'run'),
    hostSocket: socketPath(stateDir),
    log: (part: string) => join(stateDir, 'log', `${part}.log`),
    guests: join(stateDir, 'guests'),
    guest: (instanceId: string) => join(stateDir, 'guests', instanceId),
  }
}

/** Linux allows 107 bytes in a unix socket's path; a deep state directory has its socket in the system's temporary folder. */
function socketPath(stateDir: string): string {
  const near = join(stateDir, 'run', 'host.sock')
  if (Buffer.byteLength(near) <= 100) return near
  return join(farFolder(stateDir), 'host.sock')
}

/** Broker address: the setting, else the private broker's file. Fails with `bad_setting` when there is neither. */
export function amqpUrlOf(config: Settings): string {
  if (config.REDTROVE_AMQP_URL) return config.REDTROVE_AMQP_URL
  const file = stateLayout(config.REDTROVE_STATE_DIR).amqpUrl
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  throw new RedtroveError(
    'bad_setting',
    `Bad settings:\n  REDTROVE_AMQP_URL: not set, and there is no private broker in ${config.REDTROVE_STATE_DIR} (npm start makes one)`,
  )
}

/** Where users of the broker are made, asked before each request; null for somebody's broker without such an address. */
export function brokerManagementOf(config: Settings): (() => string) | null {
  const given = config.REDTROVE_AMQP_MANAGEMENT_URL
  if (given) return () => given
  if (config.REDTROVE_AMQP_URL) return null
  const { amqpManagementUrl } = stateLayout(config.REDTROVE_STATE_DIR)
  return () => readFileSync(amqpManagementUrl, 'utf8').trim()
}

/** Where the master key and the tokens are: as set, else in the state directory, where they are made when absent. */
export function keyFilesOf(config: Settings): { readonly masterKey: string; readonly tokens: string } {
  const { masterKey, tokens } = stateLayout(config.REDTROVE_STATE_DIR)
  return {
    masterKey: config.REDTROVE_MASTER_KEY_FILE ?? masterKey,
    tokens: config.REDTROVE_TOKENS_FILE ?? tokens,
  }
}

/** Host and port of a broker address, and nothing else of it: fit to be shown. */
export function brokerPlace(amqpUrl: string): string {
  const { protocol, hostname, port } = new URL(amqpUrl)
  return `${hostname}:${port || (protocol === 'amqps:' ? 5671 : 5672)}`
}

/** Where the database is, and whose signature its certificate must bear. */
export function databaseOf(config: Settings): { readonly url: string; readonly caFile?: string } {
  const url = config.REDTROVE_DATABASE_URL ?? `sqlite:${stateLayout(config.REDTROVE_STATE_DIR).database}`
  const caFile = config.REDTROVE_DATABASE_CA_FILE
  return { url, ...(caFile ? { caFile } : {}) }
}

/** Where the broker is, asked before each attempt, and whose signature its certificate must bear. */
export function brokerOf(config: Settings): { readonly url: () => string; readonly caFile?: string } {
  const caFile = config.REDTROVE_AMQP_CA_FILE
  return { url: () => amqpUrlOf(config), ...(caFile ? { caFile } : {}) }
}

/** What the command line client reads: where the service is, or in which state directory to look for that. */
export function readClientSettings(env: Readonly<Record<string, string | undefined>> = process.env) {
  return {
    url: env.REDTROVE_URL,
    token: env.REDTROVE_TOKEN,
    caFile: env.REDTROVE_CA_FILE || undefined,
    stateDir: resolve(env.REDTROVE_STATE_DIR || '.redtrove'),
  }
}
