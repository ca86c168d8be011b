/*
 * Base images of the container tests, as archives of a root file system: Debian's releases with the servers that each of them has. Made
 * here because a test must not need a registry.
 */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { quietly, retried, root } from './machine.mjs'

const MIRROR = process.env.REDTROVE_DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'
/** What an image's build and a guest call, beside its server. */
const BASIC = [
  'base-files',
  'base-passwd',
  'bash',
  'coreutils',
  'dash',
  'findutils',
  'grep',
  'libc-bin',
  'libstdc++6',
  'login',
  'passwd',
  'sed',
  'util-linux',
]

/** What is built from which release of Debian, and what of it comes from the release's backports. */
const BASES = [
  { name: 'bullseye', suite: 'bullseye', servers: ['redis'] },
  {
    name: 'bookworm-backports',
    suite: 'bookworm',
    servers: ['redis', 'valkey'],
    backports: true,
  },
  { name: 'trixie', suite: 'trixie', servers: ['redis', 'valkey'] },
  // What the control plane needs beside itself.
  {
    name: 'services',
    suite: 'bookworm',
    servers: [],
    packages: ['postgresql', 'rabbitmq-server', 'openssl', 'hostname'],
  },
]

/** The folder of everything that container tests keep from run to run. */
const CONTAINERS_DIR = join(root, '.tmp', 'containers')

/** Makes the archives that are missing, some ten seconds each, and bases.json, which says what they are. */
export async function makeBases() {
  mkdirSync(CONTAINERS_DIR, { recursive: true })
  for (const base of BASES) {
    const archive = join(CONTAINERS_DIR, `${base.name}.tar`)
    if (!existsSync(archive))
      await retried(`a root file system of ${base.name}`, () => makeBase(base, archive))
  }
  writeFileSync(join(CONTAINERS_DIR, 'bases.json'), JSON.stringify(BASES))
}

/**
 * Packages are only unpacked. Of what their scripts would set up, containers need the accounts and the linker's cache, which are made
 * here; running all scripts takes four times as long as the rest.
 */
async function makeBase({ name, suite, servers, packages = [], backports = false }, archive) {
  const dir = join(CONTAINERS_DIR, name)
  const unfinished = `${archive}.part`
  rmSync(dir, { recursive: true, force: true })
  try {
    const wanted = [...servers.map((server) => `${server}-server`), ...packages, ...BASIC]
    const suites = [suite, ...(backports ? [`${suite}-backports`] : [])]
    const sources = suites.map((one) => `deb ${MIRROR} ${one} main`)
    const options = ['--quiet', '--variant=extract', `--include=${wanted.join(',')}`]
    await quietly('mmdebstrap', [...options, suite, dir, ...sources])
    for (const file of ['passwd', 'group'])
      copyFileSync(join(dir, 'usr/share/base-passwd', `${file}.master`), join(dir, 'etc', file))
    await quietly('chroot', [dir, 'ldconfig'])
    await quietly('tar', ['-C', dir, '-cf', unfinished, '.'])
    renameSync(unfinished, archive)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
