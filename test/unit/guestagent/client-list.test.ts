import { describe, expect, it } from 'vitest'
import { connectionsFor, connectionsToClose } from '../../../guestagent/redis/client-list.js'

const line = (id: number, facts = '') => {
  const given = Object.fromEntries(facts.split(' ').map((part) => part.split('=')))
  const { addr = '127.0.0.1:4000', flags = 'N', cmd = 'get', user = 'default' } = given
  return `id=${id} addr=${addr} laddr=127.0.0.1:6379 fd=8 name= age=9 idle=9 flags=${flags} db=0 cmd=${cmd} user=${user} resp=2`
}

describe('connections that are too many', () => {
  it('are those that never said a word, the oldest first, then the newest', () => {
    const list = [line(1), line(2, 'cmd=NULL'), line(3, 'cmd=auth'), line(4, 'cmd=NULL'), line(5), ''].join(
      '\n',
    )
    expect(connectionsToClose(list, 1)).toEqual([2])
    expect(connectionsToClose(list, 3)).toEqual([2, 4, 5])
    expect(connectionsToClose(list, 99)).toEqual([2, 4, 5, 3, 1])
    expect(connectionsToClose(list, -1)).toEqual([])
  })

  it('are never those of an agent, of replicas, of a source, or who is about to be a replica', () => {
    const kept = [
      line(1, 'user=agent'),
      line(2, 'addr=/tmp/redis.sock:0 flags=U cmd=NULL'),
      line(3, 'flags=S cmd=replconf'),
      line(4, 'flags=M cmd=NULL'),
      line(5, 'user=replication cmd=ping'),
      line(6, 'cmd=psync'),
      'no line of a server',
    ]
    expect(connectionsToClose(kept.join('\n'), 99)).toEqual([])
  })

  it('leave a reserve, of few connections too', () => {
    expect(connectionsFor(10_064)).toBe(10_000)
    expect(connectionsFor(40)).toBe(30)
    expect(connectionsFor(1)).toBe(1)
  })
})
