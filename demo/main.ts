import { messageOf } from '../common/errors.js'
import { untilStopped } from '../common/lifecycle.js'
import { openApi } from './api.js'
import { openDisplay } from './display.js'
import { type Service, startService } from './service.js'
import { tell } from './story.js'

/** Runs the demo; 0 when everything was as promised and nothing is left running. `--keep` leaves the service up. */
export async function main(
  args: readonly string[],
  { script, env }: { readonly script: string; readonly env: NodeJS.ProcessEnv },
): Promise<number> {
  const keep = args.includes('--keep')
  const display = openDisplay(process.stdout.isTTY === true)
  let service: Service | undefined
  // The service goes first, however often the demo is told to stop.
  const stop = untilStopped(() => display.say('Still stopping the service.'))
  const interrupted = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(new Error('it was told to stop')))
  })
  interrupted.catch(() => undefined)
  let failed = false
  try {
    service = await display.step(
      'start the service: message broker, API, task manager',
      () => startService(script, env, { outlives: keep, signal: stop.signal }),
      ({ url }) => url,
    )
    await Promise.race([tell(openApi(service.url, service.token), service, display), interrupted])
  } catch (error) {
    failed = true
    display.say(`\nThe demo failed: ${messageOf(error)}`)
  }
  if (service && keep && !failed) return kept(service, display.say)
  if (service) failed = !(await stopped(service, display)) || failed
  display.say(failed ? '' : '\nThat is all of it. Start your own with: npm start')
  return failed ? 1 : 0
}

async function stopped(service: Service, display: ReturnType<typeof openDisplay>): Promise<boolean> {
  const left = await display.step(
    'stop everything',
    () => service.stop(),
    (running) => (running.length === 0 ? 'nothing is left running' : `still running: ${running.join('; ')}`),
  )
  return left.length === 0
}

function kept(service: Service, say: (text: string) => void): number {
  say(`
The service stays up. Use it from another terminal:
  . ${service.stateDir}/clientrc
  npx redtrove instance list
Stop it with:
  kill ${service.pid}`)
  return 0
}
