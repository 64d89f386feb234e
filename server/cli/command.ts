import type { ParseArgsOptionsConfig } from 'node:util'
import type { Config } from '../config.ts'
import type { Connection } from './connection.ts'
import type { Terminal } from './terminal.ts'

/** An error of wrong usage: the exit code is 2, and the usage of the command follows the message. */
export class UsageError extends Error {}

export type Values = Readonly<Record<string, string | boolean | undefined>>

export type CommandContext = {
  terminal: Terminal
  values: Values
  positionals: string[]
  /** Reads the settings. @throws ConfigError */
  config(): Config
  /** The address and the API key in the environment. */
  server: { url: string | undefined; apiKey: string | undefined }
  /** Connects to the running server, or to one that is started in this process until the command ends. */
  connect(): Promise<Connection>
  /** Returns the absolute path of a file that the user names. */
  resolve(path: string): string
  /** DATABASE_URL as it is set. */
  databaseUrl: string | undefined
}

export type Command = {
  /** The arguments in the usage line: `FILE… [--avee NAME]`. */
  usage: string
  /** Options with their help texts. */
  options?: Record<string, { type: 'string' | 'boolean'; help: string }>
  /** The minimum and maximum number of positional arguments. */
  positionals?: [min: number, max: number]
  /** The details in the help: one paragraph, and examples. */
  details: string
  /** Returns the exit code: 0 done, 1 failed. @throws UsageError */
  run(context: CommandContext): Promise<number>
}

/** The options of every command. */
export const commonOptions: NonNullable<Command['options']> = {
  json: { type: 'boolean', help: 'Print JSON instead of text.' },
  help: { type: 'boolean', help: 'Print this help.' },
}

export const parsedOptions = (command: Command): ParseArgsOptionsConfig =>
  Object.fromEntries(
    Object.entries({ ...command.options, ...commonOptions }).map(([name, { type }]) => [name, { type }]),
  )

/** Returns the text of an option, if it is given. */
export const textOf = (values: Values, name: string): string | undefined => {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}
