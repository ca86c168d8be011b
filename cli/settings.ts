import { existsSync, readFileSync } from 'node:fs'
import { messageOf } from '../common/errors.js'
import { readClientSettings, stateLayout } from '../common/settings/settings.js'
import { readAuthorities } from '../common/tls/certificates.js'
import { CliError, EXIT } from './exit-codes.js'

/** Where the service is, and who asks. */
export interface ClientSettings {
  readonly url: string
  readonly token: string
  /** The CA of the API's certificate, PEM, when it is a private one. */
  readonly ca?: string
}

/** The variables of clientrc, else the file itself when the service runs from this folder. Fails saying what to do. */
export function clientSettings(env?: Readonly<Record<string, string | undefined>>): ClientSettings {
  const { url, token, caFile, stateDir } = readClientSettings(env)
  if (url && token) return { url: checked(url), token, ...trusted(caFile) }
  const file = stateLayout(stateDir).clientrc
  if (existsSync(file)) return fromFile(readFileSync(file, 'utf8'), file, caFile)
  throw new CliError(
    EXIT.badSetting,
    'REDTROVE_URL and REDTROVE_TOKEN are not set. Start the service with npm start, then: . .redtrove/clientrc',
  )
}

function checked(url: string): string {
  if (URL.canParse(url) && /^https?:\/\/[^/]+\/v1\.0\/[^/]+\/*$/.test(url)) return url.replace(/\/+$/, '')
  throw new CliError(
    EXIT.badSetting,
    'REDTROVE_URL must look like http://HOST:PORT/v1.0/PROJECT, or the same with https://.',
  )
}

function trusted(caFile: string | undefined): { ca?: string } {
  try {
    return caFile ? { ca: readAuthorities(caFile) } : {}
  } catch (error) {
    throw new CliError(EXIT.badSetting, `REDTROVE_CA_FILE: ${messageOf(error)}.`)
  }
}

function fromFile(text: string, file: string, caFile: string | undefined): ClientSettings {
  const value = (name: string) => new RegExp(`^export ${name}='([^']*)'$`, 'm').exec(text)?.[1]
  const [url, token] = [value('REDTROVE_URL'), value('REDTROVE_TOKEN')]
  if (!url || !token)
    throw new CliError(EXIT.badSetting, `${file} does not say REDTROVE_URL and REDTROVE_TOKEN.`)
  return { url: checked(url), token, ...trusted(caFile ?? value('REDTROVE_CA_FILE')) }
}
