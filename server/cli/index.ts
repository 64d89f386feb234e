import path from 'node:path'
import { parseArgs } from 'node:util'
import packageJson from '../../package.json' with { type: 'json' }
import { type Config, readConfig } from '../config.ts'
import { type Command, commonOptions, parsedOptions, UsageError } from './command.ts'
import { connect } from './connection.ts'
import { explain } from './explain.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/** The commands, loaded on demand, because most of them only send requests and need little code. */
const commands: Record<string, { summary: string; load(): Promise<Command> }> = {
  serve: {
    summary: 'Run the server; this is the default',
    load: async () => (await import('./serve.ts')).serve,
  },
  ask: { summary: 'Ask one question and print the answer', load: async () => (await import('./ask.ts')).ask },
  chat: { summary: 'Chat with an avee', load: async () => (await import('./chat.ts')).chat },
  upload: { summary: 'Add documents', load: async () => (await import('./upload.ts')).upload },
  avees: { summary: 'List your avees', load: async () => (await import('./avees.ts')).avees },
  models: {
    summary: 'List, download, select or delete models, and install the engine of GGUF models',
    load: async () => (await import('./models.ts')).models,
  },
  backup: {
    summary: 'Write a backup to one file, also while the server is running',
    load: async () => (await import('./backup.ts')).backup,
  },
  restore: {
    summary: 'Restore a backup into an empty data directory or database',
    load: async () => (await import('./backup.ts')).restore,
  },
  move: {
    summary: 'Copy the database to PostgreSQL',
    load: async () => (await import('./backup.ts')).move,
  },
  doctor: {
    summary: 'Check the installation and explain how to fix problems',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  user: {
    summary: 'Reset the password or second factors of a user',
    load: async () => (await import('./user.ts')).user,
  },
  mcp: {
    summary: 'Run an MCP server on standard input and output',
    load: async () => (await import('./mcp.ts')).mcp,
  },
  'leak-test': {
    summary: 'Test that users can read only what they have access to',
    load: async () => (await import('./leak-test/index.ts')).leakTest,
  },
  completion: {
    summary: 'Print completions for your shell',
    load: async () => (await import('./completion.ts')).completion(await loadAll()),
  },
}

/** Returns the commands for shell completion. */
const loadAll = async () =>
  await Promise.all(
    Object.entries(commands)
      .filter(([name]) => name !== 'completion')
      .map(async ([name, { summary, load }]) => ({ name, summary, ...(await load()) })),
  )

const findCommand = async (name: string): Promise<Command | undefined> =>
  Object.hasOwn(commands, name) ? await commands[name]?.load() : undefined

/** Runs the command that the arguments name and returns its exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runCommand(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [first = 'serve', ...rest] = args
  const terminal = createTerminal(rest.includes('--json'))
  if (first === '--version') {
    terminal.print(packageJson.version)
    return 0
  }
  if (['help', '--help', '-h'].includes(first)) {
    const [asked = ''] = rest
    const command = await findCommand(asked)
    terminal.print(command ? helpOf(asked, command, terminal) : overview(terminal))
    return 0
  }
  const command = await findCommand(first)
  if (command === undefined) {
    terminal.note(`Unknown command ${first}. Commands: ${Object.keys(commands).join(', ')}.`)
    return 2
  }

  let settings: Config | undefined
  const config = () => (settings ??= readConfig(env))
  // npm runs scripts in the folder of the project.
  const directory = (env['npm_lifecycle_event'] === 'start' && env['INIT_CWD']) || process.cwd()
  const server = { url: env['GABEE_URL'] || undefined, apiKey: env['GABEE_API_KEY'] || undefined }
  try {
    const { values, positionals } = parse(command, rest)
    if (values['help']) {
      terminal.print(helpOf(first, command, terminal))
      return 0
    }
    return await command.run({
      terminal,
      values,
      positionals,
      config,
      server,
      connect: () => connect(config, server),
      resolve: (file) => path.resolve(directory, file),
      databaseUrl: env['DATABASE_URL']?.trim() || undefined,
    })
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      terminal.note(`${thrown.message}\nUsage: gabee ${first} ${command.usage}\nMore: gabee ${first} --help`)
      return 2
    }
    const message = explain(thrown, settings)
    terminal.note(first === 'serve' ? `Gabee could not start: ${message}` : message)
    return 1
  } finally {
    terminal.clearProgress()
  }
}

/** @throws UsageError */
function parse(command: Command, args: string[]) {
  const [min, max] = command.positionals ?? [0, 0]
  try {
    const { values, positionals } = parseArgs({
      args,
      options: parsedOptions(command),
      allowPositionals: true,
    })
    if (values['help'] !== true) {
      if (positionals.length < min) throw new Error('An argument is missing.')
      if (positionals.length > max) throw new Error(`Unexpected argument ${positionals[max]}.`)
    }
    return { values: values as Record<string, string | boolean | undefined>, positionals }
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function helpOf(name: string, { usage, details, options }: Command, { style }: Terminal): string {
  const rows = Object.entries({ ...options, ...commonOptions }).map(([option, { type, help }]) => [
    `--${option}${type === 'string' ? ' VALUE' : ''}`,
    help,
  ])
  return [
    `${commands[name]?.summary}.`,
    '',
    `${style('bold', 'Usage:')} gabee ${name} ${usage}`.trimEnd(),
    '',
    details,
    '',
    style('bold', 'Options:'),
    ...aligned(rows),
  ].join('\n')
}

const overview = ({ style }: Terminal): string =>
  [
    'Gabee: self-hosted AI personas that answer from your documents.',
    '',
    `${style('bold', 'Usage:')} gabee COMMAND [OPTIONS]    (in a checkout: npm start -- COMMAND)`,
    '',
    style('bold', 'Commands:'),
    ...aligned(Object.entries(commands).map(([name, { summary }]) => [name, summary])),
    '',
    'gabee COMMAND --help explains a command with examples.',
    '',
    style('bold', 'Environment:'),
    ...aligned([
      ['GABEE_URL', 'Address of the server; by default the one on this machine.'],
      ['GABEE_API_KEY', 'API key, from the settings of the server; not needed in personal mode.'],
      ['DATA_DIR, PORT …', 'Settings of the server: docs/configuration.md.'],
    ]),
    '',
    'Without a running server, commands open the database of DATA_DIR and act as its owner.',
    'Exit codes: 0 done, 1 failed, 2 wrong usage.',
  ].join('\n')

function aligned(rows: string[][]): string[] {
  const width = Math.max(...rows.map(([name = '']) => name.length))
  return rows.map(([name = '', text = '']) => `  ${name.padEnd(width)}  ${text}`)
}
