import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the run's own PostgreSQL, without a database name. */
    readonly postgresUrl: string
  }
}

/** A vitest global setup: one PostgreSQL for the whole run, gone at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres({ durable: false })
  project.provide('postgresUrl', postgres.url)
  return postgres.stop
}
