import { Lightbulb } from 'lucide-react'
import { t } from '../../languages/index.ts'
import './used-memories.css'
import './reasoning.css'

/** What the model thought before it answered, folded. */
export function Reasoning({ text, isThinking }: { text: string; isThinking: boolean }) {
  return (
    <details className="memories-used">
      <summary>
        <Lightbulb size={14} aria-hidden />
        {isThinking ? t('Thinking…') : t('Reasoning')}
      </summary>
      <p className="reasoning" dir="auto">
        {text}
      </p>
    </details>
  )
}
