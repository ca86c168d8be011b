import { existsSync, readFileSync } from 'node:fs'
import { readClientSettings, stateLayout } from '../common/config.js'
import { CliError, EXIT } from './exit-codes.js'

/** Where the service is, and who asks. */
export interface ClientSettings {
  readonly url: string
  readonly token: string
}

/** The variables of clientrc, else the file itself when the service runs from this folder. Fails saying what to do. */
export function clientSettings(env?: Readonly<Record<string, string | undefined>>): ClientSettings {
  const { url, token, stateDir } = readClientSettings(env)
  if (url && token) return { url: checked(url), token }
  const file = stateLayout(stateDir).clientrc
  if (existsSync(file)) return fromFile(readFileSync(file, 'utf8'), file)
  throw new CliError(
    EXIT.badSetting,
    'REDTROVE_URL and REDTROVE_TOKEN are not set. Start the service with npm start, then: . .redtrove/clientrc',
  )
}

function checked(url: string): string {
  if (URL.canParse(url) && /^https?:\/\/[^/]+\/v1\.0\/[^/]+\/*$/.test(url)) return url.replace(/\/+$/, '')
  throw new CliError(EXIT.badSetting, 'REDTROVE_URL must look like http://HOST:PORT/v1.0/PROJECT.')
}

function fromFile(text: string, file: string): ClientSettings {
  const value = (name: string) => new RegExp(`^export ${name}='([^']*)'$`, 'm').exec(text)?.[1]
  const [url, token] = [value('REDTROVE_URL'), value('REDTROVE_TOKEN')]
  if (!url || !token)
    throw new CliError(EXIT.badSetting, `${file} does not say REDTROVE_URL and REDTROVE_TOKEN.`)
  return { url: checked(url), token }
}
