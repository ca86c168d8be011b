import { readAuthorities, readIdentity } from './certificates.js'
import { postgresAddress } from './postgres-address.js'

/** A setting, and what is wrong with it. */
type Complaint = readonly [name: string, what: string]

/**
 * What does not fit among the settings of TLS: files that cannot be used, a key of another certificate, a CA for an address without TLS.
 * Looks at the settings as they were given, so that it can be said in one go with what else is wrong.
 */
export function tlsComplaints(given: Readonly<Record<string, string | undefined>>): readonly Complaint[] {
  return [
    ...ofApi(given),
    ...ofBroker(given),
    ...ofDatabase(given),
    ...ofAuthorities('REDTROVE_CA_FILE', given),
  ]
}

function ofApi({ REDTROVE_API_CERT_FILE: cert, REDTROVE_API_KEY_FILE: key }: Given): readonly Complaint[] {
  if (!cert && !key) return []
  if (!key) return [['REDTROVE_API_KEY_FILE', 'missing; REDTROVE_API_CERT_FILE needs it']]
  if (!cert) return [['REDTROVE_API_CERT_FILE', 'missing; REDTROVE_API_KEY_FILE needs it']]
  return complaintOf('REDTROVE_API_CERT_FILE', () => readIdentity(cert, key))
}

function ofBroker(given: Given): readonly Complaint[] {
  const name = 'REDTROVE_AMQP_CA_FILE'
  if (!given[name]) return []
  const addresses = [given.REDTROVE_AMQP_URL, given.REDTROVE_GUEST_AMQP_URL]
  const idle: Complaint = [
    name,
    'is for amqps://, which neither REDTROVE_AMQP_URL nor REDTROVE_GUEST_AMQP_URL is',
  ]
  const used = addresses.some((address) => address?.startsWith('amqps://'))
  return [...(used ? [] : [idle]), ...ofAuthorities(name, given)]
}

function ofDatabase(given: Given): readonly Complaint[] {
  const { REDTROVE_DATABASE_URL: url = '', REDTROVE_DATABASE_CA_FILE: caFile } = given
  const isPostgres = /^postgres(ql)?:/.test(url)
  const idle: Complaint = [
    'REDTROVE_DATABASE_CA_FILE',
    'is for postgres://, which REDTROVE_DATABASE_URL is not',
  ]
  return [
    ...(isPostgres ? complaintOf('REDTROVE_DATABASE_URL', () => postgresAddress(url, Boolean(caFile))) : []),
    ...(caFile && !isPostgres ? [idle] : []),
    ...ofAuthorities('REDTROVE_DATABASE_CA_FILE', given),
  ]
}

type Given = Readonly<Record<string, string | undefined>>

function ofAuthorities(name: string, given: Given): readonly Complaint[] {
  const file = given[name]
  return file ? complaintOf(name, () => readAuthorities(file)) : []
}

function complaintOf(name: string, look: () => unknown): readonly Complaint[] {
  try {
    look()
    return []
  } catch (error) {
    return [[name, (error as Error).message]]
  }
}
