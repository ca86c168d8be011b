import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CREDENTIALS, type Guest, guestYard, PASSWORD, tokens } from '../harness/guest.js'

const yard = guestYard()
let source: Guest
let replica: Guest
beforeAll(async () => {
  source = await yard.source()
  replica = await yard.replicaOf(source)
})
afterAll(yard.removeAll)

const FORBIDDEN = [
  'config get *',
  'config set maxmemory 1',
  'config rewrite',
  'config resetstat',
  'slaveof no one',
  'replicaof no one',
  'replicaof 127.0.0.1 1',
  'failover',
  'shutdown nosave',
  'debug sleep 0',
  'debug set-active-expire 1',
  'module list',
  'module load x',
  'acl list',
  'acl setuser default nopass',
  'acl getuser agent',
  'acl log',
  'save',
  'bgsave',
  'bgrewriteaof',
  'psync ? -1',
  'sync',
  'replconf listening-port 1',
  'migrate 127.0.0.1 1 k 0 10',
  'cluster meet 127.0.0.1 1',
  'cluster reset',
  'cluster addslots 1',
  'client pause 1',
  'client unpause',
  'client kill type normal',
  'client no-evict on',
  'client unblock 1',
  'script debug sync',
  'script debug yes',
  'monitor',
  'pfdebug getreg k',
]

const ALLOWED = [
  'ping',
  'set k v',
  'get k',
  'del k',
  'info',
  'info replication',
  'role',
  'keys *',
  'scan 0',
  'dbsize',
  'sort list',
  'rpush list 1',
  'swapdb 0 1',
  'acl whoami',
  'client setname app',
  'client getname',
  'client id',
  'client info',
  'client list',
  'client tracking off',
  'client reply on',
  'client no-touch on',
  'slowlog get',
  'latency latest',
  'memory usage k',
  'object encoding list',
  'command count',
  'lastsave',
  'time',
  'wait 0 1',
  'publish channel message',
  'eval return(1) 0',
  'script flush',
  'script load return(1)',
  'script exists 0',
  'function list',
  'dump list',
  'expire k 10',
  'multi',
  'exec',
  'watch k',
  'unwatch',
  'select 0',
  'flushdb',
  'flushall',
  'reset',
]

const run = (client: Redis, line: string) => {
  const [command = '', ...args] = line.split(' ')
  return client.call(command, ...args)
}

describe('the application account', () => {
  it.each(FORBIDDEN)('may not: %s', async (line) => {
    const client = source.client()
    await expect(run(client, line)).rejects.toThrow(/NOPERM|command not allowed/)
    const dryRun = source.root().call('acl', 'dryrun', 'default', ...line.split(' '))
    expect(await dryRun).toMatch(/no permissions/)
  })

  it('may do all that an application needs', async () => {
    const client = source.client()
    for (const line of ALLOWED) {
      const answer = await run(client, line).then(String, (error: Error) => error.message)
      expect(`${line}: ${answer}`).not.toMatch(/: NOPERM/)
    }
  })

  it('reaches nothing forbidden through a script either', async () => {
    const client = source.client()
    for (const call of ["'config','get','*'", "'shutdown'", "'replicaof','no','one'", "'acl','list'"]) {
      await expect(client.eval(`return redis.call(${call})`, 0)).rejects.toThrow(/ERR|NOPERM/)
    }
  })

  it('needs a password, over the network and over the socket', async () => {
    const nobody = source.client('')
    await expect(nobody.ping()).rejects.toThrow(/NOAUTH|WRONGPASS/)
    await expect(source.client('not-the-password').ping()).rejects.toThrow(/NOAUTH|WRONGPASS/)
  })
})

describe('the replication account', () => {
  it('may follow and nothing else', async () => {
    const client = new Redis({
      ...source.endpoint,
      username: 'replication',
      password: CREDENTIALS.replication,
      maxRetriesPerRequest: 0,
      enableReadyCheck: false,
    })
    expect(await client.ping()).toBe('PONG')
    for (const line of ['get k', 'set k v', 'info', 'config get *', 'publish c m']) {
      await expect(run(client, line)).rejects.toThrow(/NOPERM/)
    }
    client.disconnect()
  })
})

describe('new passwords', () => {
  it('come in beside the old one and replace it without dropping a connection or a link', async () => {
    const kept = source.client()
    const subscriber = source.client()
    const heard: string[] = []
    subscriber.on('message', (_channel, text: string) => heard.push(text))
    await subscriber.subscribe('news')
    const idBefore = await kept.client('ID')
    const connectionsBefore = (await source.handlers.inspect({})).observation.syncPartialOk

    const only = { application: ['application-password-2'], replication: 'replication-password-2' }
    const both = {
      application: [PASSWORD, 'application-password-2'],
      replication: only.replication,
      replicationBefore: CREDENTIALS.replication,
    }
    const replicaWith = (password: string) => source.client(password, 'replication').ping()
    for (const credentials of [both, only]) {
      const token = tokens(2)('rotate')
      await replica.handlers.setCredentials({ token, credentials })
      await source.handlers.setCredentials({ token, credentials })
      expect(await replicaWith(only.replication)).toBe('PONG')
      if (credentials === both) expect(await replicaWith(CREDENTIALS.replication)).toBe('PONG')
    }
    await expect(replicaWith(CREDENTIALS.replication)).rejects.toThrow(/WRONGPASS|NOAUTH/)
    // What a member that left has in its files opens nothing: neither password, nor the whole data by PSYNC.
    expect(readFileSync(source.paths.conf, 'utf8')).not.toMatch(/^masterauth "?replication-password"?$/m)
    expect(await source.client('application-password-2').ping()).toBe('PONG')
    await expect(source.client(PASSWORD).ping()).rejects.toThrow(/WRONGPASS|NOAUTH/)
    expect(await kept.client('ID')).toBe(idBefore)
    await kept.publish('news', 'still here')
    await source.until('the subscriber heard', () => heard.length === 1)

    expect((await replica.handlers.inspect({})).observation.link).toBe('up')
    expect((await source.handlers.inspect({})).observation.syncPartialOk).toBe(connectionsBefore)
    // The link that comes up next uses the new one.
    await replica.root().call('client', 'kill', 'type', 'master')
    await source.until(
      'it linked anew',
      ({ syncPartialOk }) => syncPartialOk === (connectionsBefore ?? 0) + 1,
    )
    await replica.ready()
  })

  it('are in no log and no report, and hashed where the server allows it', () => {
    const texts = [source.paths.log, replica.paths.log].map((file) => readFileSync(file, 'utf8'))
    const everything = [...texts, JSON.stringify(source.reports), JSON.stringify(replica.reports)].join()
    const secret = readFileSync(source.paths.agentSecret, 'utf8')
    for (const word of [PASSWORD, 'application-password-2', 'replication-password', secret]) {
      expect(everything).not.toContain(word)
    }
    const conf = readFileSync(source.paths.conf, 'utf8')
    expect(conf).not.toContain(secret)
    for (const { paths } of [source, replica]) {
      const files = readdirSync(paths.dir, { recursive: true, withFileTypes: true }).filter((at) =>
        at.isFile(),
      )
      expect(files.map(({ name }) => name)).toContain('state')
      const readable = files.filter((at) =>
        readFileSync(join(at.parentPath, at.name)).includes('application-password'),
      )
      expect(readable.map(({ name }) => name)).toEqual([])
    }
  })
})
