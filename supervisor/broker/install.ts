import { accessSync, constants, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { RedtroveError } from '../../common/errors.js'

/** What is needed to run a broker of one's own. */
export interface BrokerInstall {
  /** RabbitMQ's own start script, not a distribution's wrapper (which changes the user and the folder). */
  readonly server: string
  readonly epmd: string
  /** Calls a function of a running broker; a part of Erlang that a broker runs without. */
  readonly erlCall: string | null
}

/** Debian's wrapper lies on PATH under the server's name; the script that it calls is what we want. */
const WRAPPER = 'rabbitmq-script-wrapper'
const SERVER_FOLDERS = [
  '/usr/lib/rabbitmq/bin',
  '/opt/rabbitmq/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/sbin',
]
const EPMD_FOLDERS = ['/usr/bin', '/usr/local/bin', '/usr/lib/erlang/bin', '/opt/homebrew/bin']

/**
 * Finds an installed RabbitMQ. Fails with `unavailable` and says what to install.
 * `path` is searched after the usual folders; `folders` replaces those (for tests).
 */
export function findBroker(path: string, folders?: readonly string[]): BrokerInstall {
  const onPath = path.split(':').filter((folder) => folder !== '')
  const server = firstExecutable('rabbitmq-server', [...(folders ?? SERVER_FOLDERS), ...onPath])
  if (!server) {
    throw new RedtroveError(
      'unavailable',
      'rabbitmq-server is not installed: install it (Debian and Ubuntu: apt-get install rabbitmq-server) or set REDTROVE_AMQP_URL to a broker that is already there.',
    )
  }
  const ofErlang = [...(folders ?? [...EPMD_FOLDERS, ...releaseFolders()]), ...onPath]
  const epmd = firstExecutable('epmd', ofErlang)
  if (!epmd) {
    throw new RedtroveError(
      'unavailable',
      'epmd, a part of Erlang that rabbitmq-server needs, is not installed: install it (Debian and Ubuntu: apt-get install erlang-base).',
    )
  }
  return { server, epmd, erlCall: firstExecutable('erl_call', ofErlang) ?? null }
}

function firstExecutable(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isOurs)
}

function isOurs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return !realpathSync(file).endsWith(WRAPPER)
  } catch {
    return false
  }
}

/** Erlang keeps its own programs beside its emulator when they are not linked into a folder of PATH. */
function releaseFolders(root = '/usr/lib/erlang'): string[] {
  try {
    return readdirSync(root)
      .filter((name) => name.startsWith('erts-'))
      .map((name) => join(root, name, 'bin'))
  } catch {
    return []
  }
}
