/* I10: no secret stands in a log, an argument list, a fault or a foreign project's answer. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { processesOf } from '../stack.js'
import type { Stage } from './stage.js'

/** Every secret of the stage, with where it comes from. `passwords` are those that create calls answered. */
export function secretsOf(stage: Stage, passwords: readonly string[]): ReadonlyMap<string, string> {
  const { stateDir } = stage.stack
  const secrets = new Map(passwords.map((password, index) => [password, `password ${index}`]))
  secrets.set(new URL(stage.broker.url).password, 'password of the broker')
  for (const { token } of tokensOf(stateDir)) secrets.set(token, 'a token')
  const guests = join(stateDir, 'guests')
  for (const id of existsSync(guests) ? readdirSync(guests) : []) {
    const agent = textOf(join(guests, id, 'agent.secret')).trim()
    if (agent) secrets.set(agent, `agent's password of ${id}`)
    for (const [secret, what] of secretsIn(textOf(join(guests, id, 'guest.json'))))
      secrets.set(secret, `${what} of ${id}`)
  }
  return secrets
}

function secretsIn(record: string): readonly (readonly [string, string])[] {
  if (!record) return []
  const { spec } = JSON.parse(record) as {
    spec: {
      sealKey: string
      assignment: { credentials: Readonly<Record<string, string | readonly string[]>> }
    }
  }
  const passwords = Object.entries(spec.assignment.credentials).flatMap(([name, values]) =>
    [values].flat().map((value) => [String(value), `${name} password`] as const),
  )
  return [[spec.sealKey, 'key'], ...passwords]
}

/** Where a secret is written that should not be. Also asks the API for all it says, as the project and as a stranger. */
export async function leaksOf(
  stage: Stage,
  secrets: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const { stateDir, client } = stage.stack
  const texts = new Map<string, string>()
  for (const file of logsIn(stateDir)) texts.set(file.slice(stateDir.length), textOf(file))
  for (const { pid, line } of processesOf(stateDir)) texts.set(`arguments of ${pid}`, line)
  for (const path of ['/operations?limit=100', '/instances?limit=100'])
    texts.set(`GET ${path}`, JSON.stringify((await client.send('GET', path)).body))
  return [...texts].flatMap(([where, text]) =>
    [...secrets].filter(([secret]) => text.includes(secret)).map(([, what]) => `${where} has ${what}`),
  )
}

/** What another project's token is told of an instance of ours; must be 401, 403 or 404. */
export async function askAsStranger(stage: Stage, instanceId: string): Promise<number> {
  const stranger = tokensOf(stage.stack.stateDir).find(({ project }) => project === 'stranger')
  const own = stage.stack.url.replace(/[^/]+$/, 'stranger')
  const response = await fetch(`${own}/instances/${instanceId}`, {
    headers: { 'x-auth-token': stranger?.token ?? '' },
  })
  return response.status
}

interface Token {
  readonly token: string
  readonly project: string
}

function tokensOf(stateDir: string): readonly Token[] {
  return (JSON.parse(textOf(join(stateDir, 'secrets', 'tokens.json'))) as { tokens: Token[] }).tokens
}

function logsIn(stateDir: string): string[] {
  const guests = join(stateDir, 'guests')
  const folders = [
    join(stateDir, 'log'),
    ...(existsSync(guests) ? readdirSync(guests) : []).map((id) => join(guests, id)),
  ]
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.log(\.1)?$/.test(name))
      .map((name) => join(folder, name)),
  )
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
