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
          <dd dir="auto">{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
        </div>
      ))}
    </dl>
  )
}
