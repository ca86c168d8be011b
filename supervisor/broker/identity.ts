import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { RedtroveError } from '../../common/errors.js'
import { writeSecretFile } from '../../common/files/secret-file.js'
import { generatePassword } from '../../common/secrets/password.js'

const port = z.int().min(1).max(65535)
const identitySchema = z.object({
  /** RabbitMQ's data belong to a node name; with another name its queues would be gone. */
  node: z.string().regex(/^redtrove-[0-9a-f]{8}@localhost$/),
  user: z.string().min(1),
  password: z.string().min(1),
  /** Older files have no port for the HTTP API. */
  ports: z.object({ amqp: port, dist: port, epmd: port, http: port.optional() }),
})

type KnownIdentity = z.output<typeof identitySchema>

/** Who this broker is, the same at every start. */
export type BrokerIdentity = Omit<KnownIdentity, 'ports'> & {
  readonly ports: Readonly<Record<'amqp' | 'dist' | 'epmd' | 'http', number>>
}

/**
 * Reads the identity kept under `dir`, or makes one. A port that something else has taken meanwhile is replaced.
 * Fails with `unavailable` when the file is damaged: making a new one would lose the queues in silence.
 */
export async function brokerIdentity(dir: string): Promise<BrokerIdentity> {
  const file = join(dir, 'identity.json')
  const known = existsSync(file) ? readIdentity(file) : undefined
  const ports = await keepPorts(known?.ports)
  const identity = {
    node: known?.node ?? `redtrove-${randomBytes(4).toString('hex')}@localhost`,
    user: known?.user ?? 'redtrove',
    password: known?.password ?? generatePassword(),
    ports,
  }
  writeSecretFile(file, `${JSON.stringify(identity, null, 2)}\n`)
  return identity
}

function readIdentity(file: string): KnownIdentity {
  try {
    return identitySchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new RedtroveError(
      'unavailable',
      `${file} is damaged, so the private broker's data cannot be used: restore it, or remove the whole folder to start with an empty broker.`,
    )
  }
}

/** Only what is taken changes: clients know the first of the ports. */
async function keepPorts(known: KnownIdentity['ports'] | undefined): Promise<BrokerIdentity['ports']> {
  const fresh = await pickPorts()
  const kept = async (name: keyof BrokerIdentity['ports']) => {
    const port = known?.[name]
    return port !== undefined && (await isFree(port)) ? port : fresh[name]
  }
  return {
    amqp: await kept('amqp'),
    dist: await kept('dist'),
    epmd: await kept('epmd'),
    http: await kept('http'),
  }
}

/**
 * Four free ports below the range that the system takes for outgoing connections. Inside that range a client that keeps
 * trying a dead local broker may one day get the very port it dials and talk to itself, and the broker could not bind it.
 */
async function pickPorts(): Promise<BrokerIdentity['ports']> {
  const first = 20_000
  const count = 12_000
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const amqp = first + (randomBytes(4).readUInt32BE() % (count - 3))
    const ports = { amqp, dist: amqp + 1, epmd: amqp + 2, http: amqp + 3 }
    if (await allFree(Object.values(ports))) return ports
  }
  throw new RedtroveError(
    'unavailable',
    `No four free ports in a row between ${first} and ${first + count} on 127.0.0.1 for the private broker.`,
  )
}

async function allFree(ports: readonly number[]): Promise<boolean> {
  for (const candidate of ports) if (!(await isFree(candidate))) return false
  return true
}

function isFree(candidate: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(candidate, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
