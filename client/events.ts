import { type EventSchemas, parseEvent, type StreamEvent } from '../contract/operation.ts'

/** Folds the events of a run into a value. `initial` and the results are never changed in place. */
export type Fold<T> = { initial: T; add: (value: T, data: Readonly<Record<string, unknown>>) => T }

/**
 * Returns a fold that parses events by the schemas of an operation. It skips events of unknown kinds, which a newer
 * server may send, and reports malformed ones.
 */
export const createFold = <T, Schemas extends EventSchemas>(
  schemas: Schemas,
  initial: T,
  add: (value: T, event: StreamEvent<Schemas>) => T,
): Fold<T> => ({
  initial,
  add(value, data) {
    const parsed = parseEvent(schemas, data)
    // oxlint-disable-next-line no-console -- an error of the server that would otherwise not be noticed
    if (parsed.status === 'malformed') console.error(`Malformed event of kind ${parsed.kind}:`, parsed.error)
    return parsed.status === 'valid' ? add(value, parsed.event) : value
  },
})
