import { listMyAvees } from '../../contract/avees.ts'
import type { Command } from './command.ts'

export const avees: Command = {
  usage: '',
  details: `An avee is an AI persona with its own character, documents and memory. Create one on the page, under Avees.

  gabee avees
  gabee avees --json | jq -r '.[].handle'`,
  async run({ connect, terminal }) {
    await using connection = await connect()
    const { avees: own } = await connection.client.call(listMyAvees)
    terminal.table([
      ['HANDLE', 'NAME', 'VISIBILITY'],
      ...own.map(({ handle, display_name, visibility }) => [handle, display_name, visibility]),
    ])
    terminal.json(own)
    return 0
  },
}
