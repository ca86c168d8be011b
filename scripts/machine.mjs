/* Brings a machine to where the project can run: Debian packages, npm packages, the build. Plain Node, nothing installed. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isStale } from './build.mjs'
import { heedSignals, reachedBySignals, stoppedBy } from './signals.mjs'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What each Debian package is looked for by, so that a machine which has it another way is left alone. */
const SERVICE = [
  { name: 'redis-server', has: () => onPath(process.env.REDTROVE_REDIS_SERVER ?? 'redis-server') },
  {
    name: 'rabbitmq-server',
    has: () =>
      Boolean(process.env.REDTROVE_AMQP_URL) || existsSync('/usr/lib/rabbitmq') || onPath('rabbitmq-server'),
  },
]
const TESTS = [
  { name: 'rabbitmq-server', has: () => existsSync('/usr/lib/rabbitmq') || onPath('rabbitmq-server') },
  {
    name: 'postgresql',
    has: () => existsSync('/usr/lib/postgresql') && readdirSync('/usr/lib/postgresql').some(hasInitdb),
  },
  { name: 'openssl', has: () => onPath('openssl') },
  { name: 'iptables', has: () => onPath('iptables') },
  { name: 'iproute2', has: () => onPath('ip') },
  { name: 'python3-openstackclient', has: () => existsSync('/usr/bin/openstack') },
  { name: 'python3-troveclient', has: () => existsSync('/usr/lib/python3/dist-packages/troveclient') },
]
/** Of the tests that run guests in containers. */
const CONTAINERS = [
  { name: 'docker.io', has: () => onPath('dockerd') && onPath('docker') },
  { name: 'docker-compose', has: () => onPath('docker-compose') },
  { name: 'mmdebstrap', has: () => onPath('mmdebstrap') },
]
/** sqlite3 is compiled where its prebuilt binary cannot be downloaded. */
const COMPILER = [
  { name: 'python3', has: () => onPath('python3') },
  { name: 'make', has: () => onPath('make') },
  { name: 'g++', has: () => onPath('g++') },
]

const hasInitdb = (version) => existsSync(join('/usr/lib/postgresql', version, 'bin', 'initdb'))

const FOR = { service: [], tests: TESTS, containers: [...TESTS, ...CONTAINERS] }

/**
 * Installs what is missing for `purpose` ('service', 'tests' or 'containers') and builds. Throws a sentence when that cannot be done.
 * `meanwhile` begins as soon as the Debian packages are there, and goes on while npm compiles.
 */
export async function prepare(purpose, meanwhile = async () => undefined) {
  requireNode()
  const wanted = [...SERVICE, ...COMPILER, ...FOR[purpose]]
  const missing = [...new Set(wanted.filter((one) => !one.has()).map(({ name }) => name))]
  // The compiler is needed by npm, so apt goes first when it is missing; else both run side by side.
  const packages = installPackages(missing)
  if (COMPILER.some((one) => !one.has())) await packages
  await Promise.all([packages.then(meanwhile), installModules()])
  await built()
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19))
    throw new Error(`Node ${process.versions.node} is too old; 20.19 or later is needed.`)
}

async function installPackages(names) {
  if (names.length === 0) return
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    throw new Error(
      `Missing on this machine: ${names.join(', ')}. Install them (on Debian, as root: apt-get install ${names.join(' ')}), or run Redtrove in a Debian container with Docker.`,
    )
  }
  const restore = forbidServiceStarts()
  try {
    const env = { ...withoutSettings(), DEBIAN_FRONTEND: 'noninteractive' }
    await retried('refreshing the package lists', () => quietly('apt-get', ['update', '-q'], { env }))
    // Packages that are half installed are for a person to mend.
    await retried(`installing ${names.join(', ')}`, () =>
      quietly('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names], { env, whole: true }),
    )
  } finally {
    restore()
  }
}

/** Debian starts a service when its package is installed; ours are started by us. */
function forbidServiceStarts() {
  const file = '/usr/sbin/policy-rc.d'
  if (existsSync(file)) return () => undefined
  writeFileSync(file, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  return () => rmSync(file, { force: true })
}

let modules
function installModules() {
  modules ??= modulesOnce()
  return modules
}

async function modulesOnce() {
  const modules = join(root, 'node_modules')
  // npm would empty the folder that a link leads to, and that is somebody else's.
  if (existsSync(modules) && lstatSync(modules).isSymbolicLink()) return
  const stamp = join(modules, '.package-lock.json')
  if (existsSync(stamp) && mtime(stamp) >= mtime(join(root, 'package-lock.json'))) return
  await retried('installing npm packages (compiling sqlite3 takes two to five minutes)', () =>
    quietly('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root }),
  )
}

async function built() {
  if (!isStale()) return
  await told('building', () => quietly(process.execPath, [join(root, 'scripts', 'build.mjs')]))
}

export async function retried(what, act) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await told(attempt === 1 ? what : `${what} (try ${attempt})`, act)
    } catch (error) {
      if (attempt === 3 || stoppedBy()) throw error
      await new Promise((resolve) => setTimeout(resolve, 2000 * attempt))
    }
  }
}

async function told(what, act) {
  const startedAt = Date.now()
  process.stderr.write(`prepare: ${what} ...\n`)
  const waiting = setInterval(
    () => process.stderr.write(`prepare: ${what}, ${Math.round((Date.now() - startedAt) / 1000)} s so far\n`),
    20_000,
  )
  try {
    await act()
    process.stderr.write(`prepare: ${what}: done in ${Math.round((Date.now() - startedAt) / 1000)} s\n`)
  } finally {
    clearInterval(waiting)
  }
}

/** Runs a command; its output is shown only when it fails. */
export async function quietly(command, args, options = {}) {
  await said(command, args, options)
}

/** The last of what a command prints; rejects with it when the command fails. `whole`: it would leave a mess when it is interrupted. */
export function said(command, args, { whole = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: withoutSettings(),
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const forget = whole ? () => undefined : reachedBySignals(child)
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-8000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    child.once('close', (code) => {
      forget()
      if (code === 0) resolve(output)
      else if (stoppedBy()) reject(new Error(`stopped by ${stoppedBy()}`))
      else reject(new Error(`${command} ${args.slice(0, 2).join(' ')} failed with code ${code}:\n${output}`))
    })
  })
}

/** Settings hold passwords, which are nothing for an installer's scripts or a compiler. */
export function withoutSettings() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('REDTROVE_')))
}

/**
 * Runs a command with our streams; signals reach it, and its exit code is the answer. `channel`: it is one of ours, which ends by itself
 * when this process is gone. `output`: a file descriptor that what it prints goes to instead.
 */
export function run(command, args, { env = process.env, channel = false, output = 'inherit' } = {}) {
  if (stoppedBy()) return Promise.resolve(1)
  return new Promise((resolve) => {
    const stdio = ['inherit', output, output, ...(channel ? ['ipc'] : [])]
    const child = spawn(command, args, { cwd: process.cwd(), stdio, env })
    const forget = reachedBySignals(child)
    child.once('error', () => resolve(127))
    child.once('exit', (code, signal) => {
      forget()
      resolve(code ?? (signal ? 1 : 0))
    })
  })
}

export const program = join(root, 'dist', 'bin', 'redtrove.js')

/** Ends the script with a sentence when something could not be prepared. A signal ends it when what it had started has ended. */
export async function orExplain(act) {
  heedSignals()
  try {
    process.exitCode = await act()
  } catch (error) {
    process.stderr.write(`redtrove: ${error.message}\n`)
    process.exitCode = 1
  }
}

function onPath(name) {
  if (name.includes('/')) return existsSync(name)
  return (
    (process.env.PATH ?? '').split(delimiter).some((folder) => folder && existsSync(join(folder, name))) ||
    spawnSync('test', ['-x', `/usr/sbin/${name}`]).status === 0
  )
}

function mtime(file) {
  return statSync(file).mtimeMs
}
