import { parentPort, workerData } from 'node:worker_threads'
import { parse } from 'yaml'

/** The value of a YAML text, or why it is invalid. */
export type ParsedYaml = { value: unknown } | { problem: string }

/** Parses in a worker, because a long text takes seconds. */
function parseText(text: string): ParsedYaml {
  try {
    return { value: parse(text, { logLevel: 'silent', prettyErrors: false }) as unknown }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

parentPort?.postMessage(parseText(workerData as string))
