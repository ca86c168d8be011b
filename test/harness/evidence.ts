/* What a person needs when a test fails: whatever is under test says here what it can tell, and a failed test prints all of it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { OperationBody, TroveClient } from './trove-client.js'

type Tell = () => Promise<string> | string

const witnesses = new Map<string, Tell>()
const TELL_MS_MAX = 10_000
const OPERATIONS = 6
const LINES = 12

/** From now on a failed test prints what `tell` answers with; the function that is returned ends that. */
export function witness(name: string, tell: Tell): () => void {
  witnesses.set(name, tell)
  return () => void witnesses.delete(name)
}

/** Registers the printing for the test file that is being run; vitest's set-up file calls this once. */
export function printEvidenceOfFailures(): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return
    const told = await Promise.all([...witnesses].map(([name, tell]) => section(name, tell)))
    const why = task.result.errors?.map(({ message }) => message).join('\n')
    console.error(`evidence of "${task.name}"\n${why}\n${told.join('\n')}`)
  })
}

async function section(name: string, tell: Tell): Promise<string> {
  const late = new Promise<string>((resolve) => {
    setTimeout(() => resolve('no answer within ten seconds'), TELL_MS_MAX).unref()
  })
  const told = await Promise.race([Promise.resolve().then(tell), late]).catch(
    (error: unknown) => `cannot be told: ${String(error)}`,
  )
  return `--- ${name}\n${told}`
}

/** The newest operations of a project with their steps, and what its instances say of themselves. */
export async function tellOperations(client: TroveClient): Promise<string> {
  const page = await client.send<{ operations?: OperationBody[] }>('GET', `/operations?limit=${OPERATIONS}`)
  const newest = await Promise.all((page.body.operations ?? []).map(({ id }) => client.operation(id)))
  const instances = await client.list()
  const lines = await Promise.all(
    instances.map(async ({ id, name, status, operating_status, fault }) => {
      const seen = JSON.stringify(await healthOf(client, id))
      return `${name} ${id} ${status} ${operating_status} ${seen} ${fault?.message ?? ''}`
    }),
  )
  return [...lines, ...newest.map(storyOf)].join('\n')
}

/** All that the agent of an instance saw last. */
async function healthOf(client: TroveClient, id: string): Promise<unknown> {
  type View = { readonly replication?: { readonly members: readonly { readonly id: string }[] } }
  const { body } = await client.send<View>('GET', `/instances/${id}/replication`)
  return body.replication?.members.find((member) => member.id === id) ?? {}
}

function storyOf({ id, kind, state, attempt, fault, steps = [] }: OperationBody): string {
  const lines = steps.map(
    ({ name, state: at, duration_ms: ms, detail }) => `    ${at} ${name} ${ms ?? ''} ms ${detail ?? ''}`,
  )
  return [`${kind} ${id} ${state}, attempt ${attempt ?? 1} ${fault ?? ''}`, ...lines].join('\n')
}

/** The last lines of every log below a folder, a part each. */
export function tellLogs(dir: string): string {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.log'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((file) => `${file}\n${lastLinesOf(readFileSync(file, 'utf8'))}`)
    .join('\n')
}

function lastLinesOf(text: string): string {
  const lines = text.trimEnd().split('\n').slice(-LINES)
  return lines.map((line) => `    ${line.slice(0, 400)}`).join('\n')
}
