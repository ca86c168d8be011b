import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the service of a state directory is and its token, as a shell reads them from clientrc. */
export function clientRcOf(stateDir: string): { readonly url: string; readonly token: string } {
  const text = readFileSync(join(stateDir, 'clientrc'), 'utf8')
  const exported = (name: string) => new RegExp(`^export ${name}='(.*)'$`, 'm').exec(text)?.[1] ?? ''
  return { url: exported('REDTROVE_URL'), token: exported('REDTROVE_TOKEN') }
}
