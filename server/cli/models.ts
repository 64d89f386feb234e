import { pullFold } from '../../client/index.ts'
import {
  deleteModel,
  installChatEngine,
  listModels,
  pullModel,
  setActiveModel,
} from '../../contract/models.ts'
import { type Command, UsageError } from './command.ts'
import type { Connection } from './connection.ts'
import { followRun } from './run.ts'
import { formatBytes, type Terminal } from './terminal.ts'

export const models: Command = {
  usage: '[pull|use|delete MODEL] | install-engine',
  positionals: [0, 2],
  details: `  gabee models                       List the models that can answer.
  gabee models pull llama3.2:1b      Download a model with Ollama.
  gabee models use llama3.2:1b       Answer with this model by default.
  gabee models delete llama3.2:1b    Delete a model from the disk.
  gabee models install-engine        Install the engine of GGUF models (85 MB) with npm.`,
  async run({ connect, terminal, positionals: [action, model] }) {
    if (action === 'install-engine' && model === undefined) {
      await using connection = await connect()
      const response = await connection.client.open(installChatEngine)
      await follow(connection, terminal, response)
      terminal.print('Installed the engine of GGUF models.')
      terminal.json({ installed: true })
      return 0
    }
    const isListing = action === undefined
    if (!isListing && !['pull', 'use', 'delete'].includes(action))
      throw new UsageError(`Unknown action ${action}.`)
    if (!isListing && model === undefined)
      throw new UsageError('Enter the name of a model, for example llama3.2:1b.')
    await using connection = await connect()
    const { client } = connection
    if (isListing || model === undefined) {
      const { models: found } = await client.call(listModels)
      terminal.table([
        ['MODEL', 'PROVIDER', 'LOADED'],
        ...found.map(({ name, provider, loaded }) => [name, provider, loaded ? 'yes' : '']),
      ])
      terminal.json(found)
      return 0
    }
    if (action === 'pull') {
      await follow(connection, terminal, await client.open(pullModel, { body: { model } }))
      terminal.print(`Downloaded ${model}.`)
    } else if (action === 'use') {
      await client.call(setActiveModel, { body: { model } })
      terminal.print(`${model} answers by default.`)
    } else {
      await client.call(deleteModel, { body: { model } })
      terminal.print(`Deleted ${model}.`)
    }
    terminal.json({ model })
    return 0
  },
}

/** Shows the progress of a download until it has ended. @throws Error with the reason why it failed */
async function follow({ client }: Connection, terminal: Terminal, response: Response): Promise<void> {
  const { phase, error } = await followRun(
    client,
    terminal,
    response,
    pullFold,
    ({ completed, total, status }) => {
      if (total === 0) terminal.progress(status)
      else terminal.progress(`${formatBytes(completed)} of ${formatBytes(total)}`, completed / total)
    },
  )
  if (phase !== 'done') throw new Error(error ?? 'The download was stopped.')
}
