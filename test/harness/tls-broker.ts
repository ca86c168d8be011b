/* A real RabbitMQ with a listener for TLS beside its plain one. */
import { type StdioOptions, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { searchPath } from '../../common/settings/settings.js'
import { waitUntil } from '../../common/wait-until.js'
import { brokerEnvironment, brokerFiles, renderConfig } from '../../supervisor/broker/config.js'
import { brokerIdentity } from '../../supervisor/broker/identity.js'
import { findBroker } from '../../supervisor/broker/install.js'
import { endProcess } from '../../supervisor/broker/processes.js'
import { probeBroker } from '../../wire/broker/session.js'
import type { TestIdentity } from './certificates.js'
import { freePort } from './free-port.js'

/** Where it listens. */
export interface TlsBroker {
  /** `amqps://` by the name localhost. */
  readonly url: string
  readonly tlsPort: number
  readonly plainPort: number
  /** The address with its account, for a host and port of the test's own choice. */
  at(scheme: 'amqp' | 'amqps', host: string, port: number): string
  stop(): Promise<void>
}

/** Starts one that shows `server`'s certificate; ready when it takes connections. */
export async function startTlsBroker(server: TestIdentity): Promise<TlsBroker> {
  const dir = mkdtempSync(join(tmpdir(), 'redtrove-tls-broker-'))
  const files = brokerFiles(dir)
  mkdirSync(files.logs)
  const identity = await brokerIdentity(dir)
  const tlsPort = await freePort()
  const ssl = `{ssl_listeners, [{"127.0.0.1", ${tlsPort}}]},
  {ssl_options, [{certfile, "${server.cert}"}, {keyfile, "${server.key}"}, {verify, verify_none}]},
  {default_vhost`
  writeFileSync(files.config, renderConfig(identity, dir).replace('{default_vhost', ssl))
  writeFileSync(files.plugins, '[].\n')
  const path = searchPath()
  const install = findBroker(path)
  const output = openSync(files.console, 'w')
  const stdio: StdioOptions = ['ignore', output, output]
  const options = { cwd: dir, env: brokerEnvironment(identity, dir, path), stdio }
  const epmd = spawn(install.epmd, ['-port', String(identity.ports.epmd), '-address', '127.0.0.1'], options)
  const beam = spawn(install.server, [], options)
  const at = (scheme: string, host: string, port: number) =>
    `${scheme}://${identity.user}:${encodeURIComponent(identity.password)}@${host}:${port}/%2F`
  const stop = async () => {
    for (const child of [beam, epmd]) {
      const isThere = () => child.exitCode === null && child.signalCode === null
      if (child.pid !== undefined && isThere()) await endProcess(child.pid, isThere)
    }
    rmSync(dir, { recursive: true, force: true })
  }
  const accepts = () => probeBroker(at('amqp', '127.0.0.1', identity.ports.amqp)).then(() => true)
  try {
    await waitUntil('the broker accepts a connection', accepts, Boolean, { timeoutMs: 90_000, pollMs: 100 })
  } catch (error) {
    await stop()
    throw error
  }
  return { url: at('amqps', 'localhost', tlsPort), tlsPort, plainPort: identity.ports.amqp, at, stop }
}
