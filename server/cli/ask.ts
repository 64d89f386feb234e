import { askAndPrint, startConversation } from './answer.ts'
import { type Command, textOf } from './command.ts'

export const askOptions = {
  avee: { type: 'string', help: 'Handle of the avee; your library by default.' },
  conversation: { type: 'string', help: 'Id of the conversation to continue.' },
  model: { type: 'string', help: 'Model that answers; `gabee models` lists them.' },
} satisfies Command['options']

export const ask: Command = {
  usage: 'QUESTION [--avee HANDLE] [--conversation ID] [--model NAME]',
  options: askOptions,
  positionals: [1, Number.POSITIVE_INFINITY],
  details: `Prints the answer while it is written, then the passages that it cites. If the connection is lost, the answer
continues where it stopped. The exit code is 1 if the answer failed.

  gabee ask "When does the lease end?"
  gabee ask --avee ada "What did you think of the engine?" --json | jq -r .answer`,
  async run({ connect, terminal, values, positionals }) {
    await using connection = await connect()
    const conversation =
      textOf(values, 'conversation') ??
      (await startConversation(connection, textOf(values, 'avee') ?? 'local'))
    const question = positionals.join(' ')
    const answer = await askAndPrint(connection, terminal, {
      conversation,
      question,
      model: textOf(values, 'model'),
    })
    const { text, phase, error, citations, model, usage, messageId } = answer
    terminal.json({
      answer: text,
      status: phase,
      error,
      conversation_id: conversation,
      message_id: messageId,
      model,
      citations,
      usage,
    })
    return phase === 'complete' ? 0 : 1
  },
}
