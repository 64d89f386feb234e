import { Counter, Histogram, Registry } from 'prom-client'
import { AppError } from '../errors.ts'
import type { Attributes, Tracer } from './tracer.ts'

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** Measured operations: each has a histogram of its duration with these labels, and a span. */
const operations = {
  run: {
    help: 'Time that this server worked on a run, by its kind and outcome.',
    labels: ['kind', 'outcome'],
    spanName: 'run {kind}',
    spanKind: 'internal',
  },
  retrieval: {
    help: 'Time of a search in documents: hybrid for questions, lexical for background work.',
    labels: ['mode', 'outcome'],
    spanName: 'retrieval',
    spanKind: 'internal',
  },
  model_request: {
    help: 'Time of a request to a model, from its start to the end of the response.',
    labels: ['operation', 'provider', 'model', 'outcome'],
    spanName: '{operation} {model}',
    spanKind: 'client',
  },
} as const

export type Operation = keyof typeof operations

/** Attribute names of OpenTelemetry's conventions for generative AI; others get the prefix `gabee.`. */
const attributeNames: Readonly<Record<string, string>> = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  model: 'gen_ai.request.model',
  promptTokens: 'gen_ai.usage.input_tokens',
  completionTokens: 'gen_ai.usage.output_tokens',
}

/** Metrics and, with a tracer, spans of operations. Neither contains user content. */
export function createTelemetry(tracer?: Tracer) {
  const registry = new Registry()
  const registers = [registry]
  const histogram = (name: string, help: string, labelNames: readonly string[]) =>
    new Histogram({ name: `gabee_${name}_seconds`, help, labelNames, buckets, registers })
  const durations = Object.fromEntries(
    Object.entries(operations).map(([name, { help, labels }]) => [
      name,
      histogram(`${name}_duration`, help, labels),
    ]),
  ) as Record<Operation, Histogram>
  const statements = histogram(
    'database_statement_duration',
    'Time of a database statement, without the wait for a connection.',
    [],
  )

  /** Begins an operation. The arguments of `end` become labels and attributes too; an error ends it as failed. */
  function begin(operation: Operation, given: Attributes) {
    const { labels, spanName, spanKind } = operations[operation]
    const startedAt = performance.now()
    const span = tracer?.start(
      spanName.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(given[name])),
      spanKind,
    )
    return {
      run: <T>(work: () => T): T => (span === undefined ? work() : span.run(work)),
      end(more: Attributes = {}, error?: unknown): void {
        const values: Attributes = { outcome: error === undefined ? 'ok' : 'error', ...given, ...more }
        durations[operation].observe(
          Object.fromEntries(labels.map((label) => [label, String(values[label] ?? '')])),
          (performance.now() - startedAt) / 1_000,
        )
        span?.end(
          Object.fromEntries(
            Object.entries(values).map(([name, value]) => [attributeNames[name] ?? `gabee.${name}`, value]),
          ),
          error === undefined ? undefined : errorTypeOf(error),
        )
      },
    }
  }

  return {
    registry,
    tracer,
    begin,

    /** Measures `work`; spans that begin in it are children of its span. */
    async measure<T>(operation: Operation, given: Attributes, work: () => Promise<T>): Promise<T> {
      const measured = begin(operation, given)
      try {
        const result = await measured.run(work)
        measured.end()
        return result
      } catch (error) {
        measured.end({}, error)
        throw error
      }
    },

    countStatement(ms: number): void {
      statements.observe(ms / 1_000)
      tracer?.current()?.countStatement()
    },

    firstToken: histogram(
      'first_token',
      'Time from the start of an answer to its first token, with the search and the wait for the model.',
      ['provider', 'model'],
    ),
    modelTokens: new Counter({
      name: 'gabee_model_tokens_total',
      help: 'Tokens that models have read (prompt) and written (completion), as they report them.',
      labelNames: ['provider', 'model', 'type'],
      registers,
    }),
    ingestedDocuments: new Counter({
      name: 'gabee_ingested_documents_total',
      help: 'Files of uploads, folders and web pages by outcome: added, replaced, duplicate or failed.',
      labelNames: ['outcome'],
      registers,
    }),
    ingestedPassages: new Counter({
      name: 'gabee_ingested_passages_total',
      help: 'Passages of the documents that were added or replaced.',
      registers,
    }),
  }
}

export type Telemetry = ReturnType<typeof createTelemetry>

/** Returns the code of an error, because messages may quote user content. */
const errorTypeOf = (error: unknown): string =>
  error instanceof AppError ? error.code : error instanceof Error ? error.name : 'unknown'
