import type { Command } from 'commander'
import type { Run } from '../command.js'
import { show } from '../output.js'
import { resolveInstance } from '../resolve.js'

interface RootAnswer {
  readonly user: { readonly name: string; readonly password: string }
  readonly failed_slaves: readonly string[]
}

/** `redtrove root …`: the application password of a set. */
export function addRootCommands(program: Command, run: Run): void {
  const root = program.command('root').description('The application password of a set')
  root
    .command('enable <instance>')
    .description('Set or rotate the password on the source and every replica; no client is dropped')
    .action((name: string) =>
      run(async ({ client, output }) => {
        const { id } = await resolveInstance(client, name)
        // A password of one's own would stand in the process list; one is made instead.
        const { body } = await client.send<RootAnswer>('POST', `/instances/${id}/root`)
        show(output, body, () => `password: ${body.user.password}   (shown this once)`)
      }),
    )
  root
    .command('disable <instance>')
    .description('Set a password that nobody is told')
    .action((name: string) =>
      run(async ({ client, output }) => {
        const { id } = await resolveInstance(client, name)
        await client.send('DELETE', `/instances/${id}/root`)
        show(output, { disabled: true }, () => 'done; enable sets a new one')
      }),
    )
  root
    .command('show <instance>')
    .description('Whether a password was set by request')
    .action((name: string) =>
      run(async ({ client, output }) => {
        const { id } = await resolveInstance(client, name)
        const answer = await client.get<{ rootEnabled: boolean }>(`/instances/${id}/root`)
        show(output, answer, () => (answer.rootEnabled ? 'set by request' : 'as generated'))
      }),
    )
}
