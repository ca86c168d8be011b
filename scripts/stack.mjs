/*
 * `npm run stack`: brings the control plane up on this engine's Swarm; when it is up, brings it to what deploy/stack.yaml and the settings say
 * now. May be repeated: passwords stay, certificates are made anew when they end soon or a node has come. All that is secret lies in REDTROVE_STACK_DIR
 * (`.redtrove/stack`), which is the copy to keep.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isStale } from './build.mjs'
import { orExplain, prepare, quietly, root, said } from './machine.mjs'

const dir = resolve(process.env.REDTROVE_STACK_DIR ?? join('.redtrove', 'stack'))
const stack = process.env.REDTROVE_STACK_NAME ?? 'redtrove'
const image = process.env.REDTROVE_CONTROL_IMAGE ?? 'redtrove-control'
const state = join(dir, 'state')
const READY_MS_MAX = 180_000
const PORT = 8779

const docker = (...args) => said('docker', args).then((text) => text.trim())

await orExplain(async () => {
  if (isStale()) await prepare('service')
  const nodes = await nodesOfSwarm()
  await labelNodes(nodes)
  await makeSecrets(nodes)
  const token = await makeKeys()
  await deploy()
  await untilServing()
  const { address } = nodes.find(({ labels }) => labels['redtrove.api'] === 'true') ?? nodes[0]
  const url = `https://${address}:${PORT}/v1.0/${token.project}`
  const { writeClientRc } = await ours('supervisor/client-rc.js')
  writeClientRc(join(dir, 'clientrc'), { url, token: token.token, caFile: join(state, 'tls', 'ca.pem') })
  process.stdout.write(`redtrove stack ready: ${url}\n. ${join(dir, 'clientrc')} has its token and CA\n`)
  return 0
})

/** Leader first. */
async function nodesOfSwarm() {
  const ids = await docker('node', 'ls', '--format', '{{.ID}}').catch((error) => {
    throw new Error(
      `This engine is no manager of a Swarm (docker swarm init makes it one).\n${error.message}`,
    )
  })
  const nodes = []
  for (const id of ids.split('\n')) {
    const [node] = JSON.parse(await docker('node', 'inspect', id))
    const managerAt = node.ManagerStatus?.Addr?.replace(/:\d+$/, '')
    nodes.push({
      id,
      hostname: node.Description.Hostname,
      address: managerAt ?? node.Status.Addr,
      labels: node.Spec.Labels ?? {},
      isLeader: node.ManagerStatus?.Leader === true,
    })
  }
  return nodes.sort((a, b) => Number(b.isLeader) - Number(a.isLeader))
}

/** The database's and the broker's volumes are on one node, and would be empty on another. APIs stay where clients look for them. */
async function labelNodes(nodes) {
  const labelled = (label) => nodes.filter(({ labels }) => labels[label] === 'true')
  if (labelled('redtrove.services').length > 1)
    throw new Error(
      'More than one node has the label redtrove.services; leave it to the one that has the data.',
    )
  for (const [label, count, what] of [
    ['redtrove.services', 1, 'the database and the broker'],
    ['redtrove.api', 2, 'an API'],
  ]) {
    if (labelled(label).length > 0) continue
    for (const { id, hostname } of nodes.slice(0, count)) {
      await docker('node', 'update', '--label-add', `${label}=true`, id)
      process.stderr.write(`stack: ${hostname} has ${what}\n`)
    }
  }
}

async function makeSecrets(nodes) {
  mkdirSync(join(state, 'secrets'), { recursive: true, mode: 0o700 })
  const names = nodes.flatMap(({ hostname, address }) => [hostname, address]).join(',')
  const who = `${process.getuid()}:${process.getgid()}`
  const mounts = { state: '/var/lib/redtrove', services: '/services', authority: '/authority' }
  // The shell gets the folders as its arguments, and as its name who is to own what is made in them.
  await docker(
    ...['run', '--rm', '--network=none', '--user=0:0', `--env=REDTROVE_API_NAMES=${names}`],
    ...Object.entries(mounts).map(([name, at]) => `--volume=${join(dir, name)}:${at}`),
    ...['--entrypoint=sh', image, '-c', 'node /redtrove/deploy/setup.mjs "$@" && chown -R "$0" "$@"', who],
    ...Object.values(mounts),
  )
}

/** As a start on one machine makes them, and keeps those that are there. Answers with the first token. */
async function makeKeys() {
  const { masterKey } = await ours('common/secrets/master-key.js')
  const { staticTokens } = await ours('common/secrets/tokens.js')
  await masterKey(join(state, 'secrets', 'master.key'))
  return staticTokens(join(state, 'secrets', 'tokens.json'))[0]
}

/** A part of the build. */
function ours(path) {
  return import(pathToFileURL(join(root, 'dist', path)).href)
}

async function deploy() {
  const settings = {
    REDTROVE_STACK_DIR: dir,
    REDTROVE_STACK_VERSION: versionOfSecrets(),
    DOCKER_GID: groupOfSocket(),
  }
  const env = { ...settings, ...process.env, REDTROVE_STACK_DIR: dir }
  process.stderr.write(`stack: deploying ${stack} ...\n`)
  const resolving = process.env.REDTROVE_STACK_RESOLVE_IMAGE ?? 'always'
  const args = [
    'stack',
    'deploy',
    `--resolve-image=${resolving}`,
    '--prune',
    '-c',
    join(root, 'deploy', 'stack.yaml'),
    stack,
  ]
  await quietly('docker', args, { env })
}

/** Who may use this engine's socket; on the other managers it has to be the same group. */
function groupOfSocket() {
  const socket = (process.env.DOCKER_HOST ?? '').replace(/^unix:\/\//, '') || '/var/run/docker.sock'
  return existsSync(socket) ? String(statSync(socket).gid) : ''
}

/** Other secrets, another version. */
function versionOfSecrets() {
  const hash = createHash('sha256')
  const folders = ['state/secrets', 'state/tls', 'services/postgres', 'services/rabbitmq']
  for (const folder of folders.map((name) => join(dir, name)))
    for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)))
  return hash.digest('hex').slice(0, 12)
}

async function untilServing() {
  const deadline = Date.now() + READY_MS_MAX
  for (let seen = ''; ; ) {
    const services = (await docker('stack', 'services', '--format', '{{.Name}} {{.Replicas}}', stack))
      .split('\n')
      .sort()
    const waiting = services.filter((line) => !/ ([1-9]\d*)\/\1\b/.test(line))
    if (waiting.length === 0) return
    if (waiting.join() !== seen) process.stderr.write(`stack: waiting for ${waiting.join(', ')}\n`)
    seen = waiting.join()
    if (Date.now() > deadline) {
      const tasks = await docker(
        'stack',
        'ps',
        '--no-trunc',
        '--format',
        '{{.Name}} {{.CurrentState}} {{.Error}}',
        stack,
      )
      throw new Error(`The stack is not up after ${READY_MS_MAX / 1000} s:\n${tasks}`)
    }
    await new Promise((done) => setTimeout(done, 500))
  }
}
