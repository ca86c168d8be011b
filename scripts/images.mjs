/*
 * `npm run images [-- NAME=BASE_IMAGE …]`: builds guest images and that of the control plane, for example
 *   npm run images -- redis=debian:bookworm-slim valkey=debian:trixie-slim control=debian:bookworm-slim
 * REDTROVE_NODE_IMAGE names an image that has /usr/local/bin/node. The version is asked of the server itself and becomes a label,
 * by which the docker provider finds what it can run.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isStale } from './build.mjs'
import { orExplain, prepare, quietly, root, said } from './machine.mjs'

const DEFAULT = ['redis=debian:bookworm-slim']

/** Builds the guest image of `datastore` on `base`; answers with its name. `env` may name the engine (DOCKER_HOST). */
export async function buildGuestImage(
  datastore,
  base,
  { nodeImage = process.env.REDTROVE_NODE_IMAGE, env = {} } = {},
) {
  const options = { cwd: root, env: { ...process.env, ...env } }
  const name = `redtrove-guest:${datastore}-${base.replaceAll(/[^\w.]+/g, '-')}`
  const node = nodeImage ? ['--build-arg', `NODE_IMAGE=${nodeImage}`] : []
  const args = ['--build-arg', `BASE_IMAGE=${base}`, '--build-arg', `DATASTORE=${datastore}`, ...node]
  const build = ['build', '-q', '-t', name, '-f', 'deploy/guest.Dockerfile']
  await quietly('docker', [...build, ...args, '.'], options)
  const server = [
    'run',
    '--rm',
    '--network',
    'none',
    '--entrypoint',
    `${datastore}-server`,
    name,
    '--version',
  ]
  const version = /v=(\d+\.\d+\.\d+)/.exec(await said('docker', server, options))?.[1]
  if (!version) throw new Error(`${datastore}-server in the image ${name} does not say its version`)
  const labels = ['--label', `redtrove.datastore=${datastore}`, '--label', `redtrove.version=${version}`]
  await quietly('docker', [...build, ...labels, ...args, '.'], options)
  return `${name} (${datastore} ${version}, ${await sizeOf(name, options)})`
}

/** Builds the image of the control plane on `base`; answers with its name. */
export async function buildControlImage(
  base,
  { nodeImage = process.env.REDTROVE_NODE_IMAGE, env = {} } = {},
) {
  const context = await layOut()
  const node = nodeImage ? ['--build-arg', `NODE_IMAGE=${nodeImage}`] : []
  const args = ['--build-arg', `BASE_IMAGE=${base}`, ...node, '-f', 'deploy/control.Dockerfile', context]
  const options = { cwd: root, env: { ...process.env, ...env } }
  await quietly('docker', ['build', '-q', '-t', 'redtrove-control', ...args], options)
  return `redtrove-control (${await sizeOf('redtrove-control', options)})`
}

/** With its base, as it lies on the engine's disk. */
async function sizeOf(name, options) {
  const bytes = await said('docker', ['image', 'inspect', '--format', '{{.Size}}', name], options)
  return `${Math.round(Number(bytes) / 1_000_000)} MB`
}

/** A folder with what runs, and nothing that is only for development. */
async function layOut() {
  const folder = join(root, '.tmp', 'control')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const list = ['ls', '--omit=dev', '--all', '--parseable']
  const listed = execFileSync('npm', list, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 24 })
  const packages = listed.split('\n').filter((path) => path.startsWith(join(root, 'node_modules')))
  const copy = (path) => cpSync(path, join(folder, relative(root, path)), { recursive: true })
  const own = ['dist', 'openapi.yaml', 'package.json', 'deploy/setup.mjs', 'deploy/certificates.mjs']
  for (const path of own) copy(join(root, path))
  for (const path of packages) copy(path)
  return folder
}

async function main() {
  process.chdir(root)
  // The image holds the built agent and nothing else of what a start needs.
  if (isStale()) await prepare('service')
  const wanted = process.argv.slice(2)
  for (const one of wanted.length > 0 ? wanted : DEFAULT) {
    const [, what, base] = /^(redis|valkey|control)=(.+)$/.exec(one) ?? []
    if (!base) throw new Error(`${one} is not of the form redis=, valkey= or control=BASE_IMAGE`)
    const name = what === 'control' ? await buildControlImage(base) : await buildGuestImage(what, base)
    process.stdout.write(`${name}\n`)
  }
  return 0
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await orExplain(main)
