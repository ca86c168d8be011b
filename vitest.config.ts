import { defineConfig } from 'vitest/config'

/** Prints what a person needs when a test fails. */
const EVIDENCE = ['test/harness/evidence-setup.ts']

/** A project per ring: what a test needs is its folder. `npm test` runs them all. */
const ring = (name: string, include: string[], overrides: object = {}) => ({
  test: { name, include, testTimeout: 20_000, hookTimeout: 60_000, setupFiles: EVIDENCE, ...overrides },
})

/** For rings that speak to a broker: one real one for the whole run (`test/harness/broker.ts`). */
const withBroker = { globalSetup: ['test/harness/broker-setup.ts'] }

/** For rings whose guests are containers of a Docker Engine of the tests' own. */
const onOneEngine = {
  testTimeout: 180_000,
  hookTimeout: 180_000,
  fileParallelism: false,
  globalSetup: ['test/harness/containers/setup.ts'],
  env: { REDTROVE_TEST_COMPUTE: 'docker' },
}

/** For rings whose guests are services of a Swarm of three such engines. */
const onASwarm = {
  testTimeout: 240_000,
  hookTimeout: 240_000,
  fileParallelism: false,
  globalSetup: ['test/harness/swarm/setup.ts'],
  env: { REDTROVE_TEST_COMPUTE: 'swarm' },
}

export default defineConfig({
  test: {
    // Several runs go on side by side, and would write the same file.
    cache: false,
    projects: [
      ring('unit', ['test/unit/**/*.test.ts', 'test/tidy.test.ts', 'test/contract/**/*.test.ts']),
      ring('messaging', ['test/messaging/**/*.test.ts'], { ...withBroker, testTimeout: 60_000 }),
      ring('workflows', ['test/workflows/**/*.test.ts'], { testTimeout: 120_000 }),
      ring('store', ['test/store/**/*.test.ts'], { globalSetup: ['test/harness/database-setup.ts'] }),
      ring('api', ['test/api/**/*.test.ts'], { globalSetup: ['test/harness/database-setup.ts'] }),
      ring('guestagent', ['test/guestagent/**/*.test.ts'], { testTimeout: 60_000 }),
      ring('faults', ['test/faults/**/*.test.ts'], {
        testTimeout: 180_000,
        hookTimeout: 180_000,
        fileParallelism: false,
      }),
      ring('long', ['test/long/**/*.long.test.ts'], {
        testTimeout: 1_800_000,
        hookTimeout: 180_000,
        fileParallelism: false,
      }),
      ring('integration', ['test/integration/**/*.test.ts', 'test/scenario/**/*.test.ts'], {
        testTimeout: 180_000,
        hookTimeout: 180_000,
        fileParallelism: false,
      }),
      ring('containers', ['test/containers/**/*.test.ts', 'test/scenario/**/*.test.ts'], onOneEngine),
      ring('swarm', ['test/swarm/**/*.test.ts', 'test/scenario/**/*.test.ts'], onASwarm),
      // Too long for each run.
      ring('containers-long', ['test/long/**/*.containers.long.test.ts'], onOneEngine),
      ring('swarm-long', ['test/long/**/*.swarm.long.test.ts'], onASwarm),
    ],
  },
})
