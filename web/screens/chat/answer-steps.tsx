import { Lightbulb, Wrench } from 'lucide-react'
import type { ToolCall } from '../../../contract/tools.ts'
import './used-memories.css'
import './answer-steps.css'

/** What the model thought and which tools it called before it answered, folded. */
export function AnswerSteps({
  reasoning,
  toolCalls,
  isThinking,
}: {
  reasoning: string
  toolCalls: ToolCall[]
  isThinking: boolean
}) {
  return (
    <>
      {reasoning && (
        <details className="memories-used">
          <summary>
            <Lightbulb size={14} aria-hidden />
            {isThinking ? 'Thinking…' : 'Reasoning'}
          </summary>
          <p className="reasoning" dir="auto">
            {reasoning}
          </p>
        </details>
      )}
      {toolCalls.map((call) => (
        <details key={call.call_id} className="memories-used">
          <summary>
            <Wrench size={14} aria-hidden />
            {call.name.replaceAll('_', ' ')}: {statusTexts[call.status]}
          </summary>
          <dl className="tool-call">
            <dt>Arguments</dt>
            <dd>
              <code>{JSON.stringify(call.arguments)}</code>
            </dd>
            {call.result && (
              <>
                <dt>Result</dt>
                <dd dir="auto">{call.result.text}</dd>
              </>
            )}
          </dl>
        </details>
      ))}
    </>
  )
}

const statusTexts: Record<ToolCall['status'], string> = {
  running: 'running…',
  needs_approval: 'waiting for approval',
  done: 'done',
  failed: 'failed',
}
