import type { ToolCall } from '../../../contract/tools.ts'
import { readableName } from '../../tools/built-in-tools.ts'

/** The arguments of a tool call. */
export function CallArguments({ call }: { call: ToolCall }) {
  const given = Object.entries(call.arguments)
  if (given.length === 0) return null
  return (
    <dl className="call-arguments">
      {given.map(([name, value]) => (
        <div key={name}>
          <dt>{readableName(name)}</dt>
          <dd dir="auto">{readable(value)}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Formats a text unchanged, an object with a line per member, anything else as JSON. */
function readable(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value)
  return Object.entries(value)
    .map(
      ([name, member]) =>
        `${readableName(name)}: ${typeof member === 'string' ? member : JSON.stringify(member)}`,
    )
    .join('\n')
}
