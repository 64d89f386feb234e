import type { ToolCall } from '../../../contract/tools.ts'
import { readableName } from '../../tools/built-in-tools.ts'

/** What the model passes to a tool. */
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

/** A text as it is, an object as a line per member, everything else as JSON. */
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
