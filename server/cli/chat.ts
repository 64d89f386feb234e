import { createInterface } from 'node:readline/promises'
import { ApiError } from '../../client/index.ts'
import { askAndPrint, startConversation } from './answer.ts'
import { askOptions } from './ask.ts'
import { type Command, textOf } from './command.ts'

export const chat: Command = {
  usage: '[--avee HANDLE] [--conversation ID] [--model NAME]',
  options: askOptions,
  details: `Each line that you enter is a question; an empty line or Ctrl-D ends the conversation. Ctrl-C stops an answer, and
what was written so far is kept. The conversation is stored like any other: continue it on the page, or with
--conversation and the id that is printed at the end. With --json, each answer is a line of JSON.

  gabee chat
  gabee chat --avee ada`,
  async run({ connect, terminal, values }) {
    await using connection = await connect()
    const avee = textOf(values, 'avee') ?? 'local'
    const conversation = textOf(values, 'conversation') ?? (await startConversation(connection, avee))
    const lines = createInterface({
      input: process.stdin,
      output: process.stderr,
      terminal: terminal.isInteractive,
      prompt: terminal.isInteractive ? `${terminal.style('bold', '›')} ` : '',
    })
    let stop: AbortController | undefined
    let isClosed = false
    lines.on('close', () => {
      isClosed = true
    })
    lines.on('SIGINT', () => (stop ? stop.abort() : lines.close()))
    let exitCode = 0
    lines.prompt()
    for await (const line of lines) {
      const question = line.trim()
      if (question === '') break
      stop = new AbortController()
      try {
        const model = textOf(values, 'model')
        const { text, phase, error, citations } = await askAndPrint(
          connection,
          terminal,
          { conversation, question, model },
          stop.signal,
        )
        terminal.json({ answer: text, status: phase, error, citations })
        if (phase === 'failed') exitCode = 1
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        terminal.note(error.message)
        exitCode = 1
      }
      stop = undefined
      if (!isClosed) lines.prompt()
    }
    terminal.note(`Conversation ${conversation}`)
    return exitCode
  },
}
