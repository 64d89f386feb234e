import { Lightbulb, Wrench } from 'lucide-react'
import type { ToolCall } from '../../../contract/tools.ts'
import { type Message, message, t } from '../../languages/index.ts'
import { toolTitle } from '../../tools/built-in-tools.ts'
import { Spinner } from '../../ui/button.tsx'
import { CallArguments } from './tool-call.tsx'
import './used-memories.css'
import './answer-steps.css'

/** The reasoning and tool calls of the model before its answer, collapsed. */
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
            {isThinking ? t('Thinking…') : t('Reasoning')}
          </summary>
          <p className="reasoning" dir="auto">
            {reasoning}
          </p>
        </details>
      )}
      {toolCalls.map((call) => (
        <details key={call.call_id} className="memories-used">
          <summary>
            {call.status === 'running' ? <Spinner size={14} /> : <Wrench size={14} aria-hidden />}
            {t('{tool}: {status}', { tool: toolTitle(call.name), status: t(statusTexts[call.status]) })}
          </summary>
          <div className="tool-call">
            <CallArguments call={call} />
            {call.result && (
              <p className="tool-result" dir="auto">
                {call.result.text}
              </p>
            )}
          </div>
        </details>
      ))}
    </>
  )
}

const statusTexts: Record<ToolCall['status'], Message> = {
  running: message('running…'),
  needs_approval: message('waiting for approval'),
  done: message('done'),
  failed: message('failed'),
}
