import { Brain } from 'lucide-react'
import { Link } from 'wouter'
import type { UsedMemory } from '../../../contract/memory.ts'
import { t } from '../../languages/index.ts'
import './used-memories.css'

/** A collapsed list of the memories that an answer used. */
export function UsedMemories({ memories }: { memories: UsedMemory[] }) {
  if (memories.length === 0) return null
  return (
    <details className="memories-used">
      <summary>
        <Brain size={14} aria-hidden />
        {t('Used {count, plural, one {# memory} other {# memories}}', { count: memories.length })}
      </summary>
      <ul>
        {memories.map((memory) => (
          <li key={memory.id}>{memory.content}</li>
        ))}
        <li>
          <Link href="/memory">{t('Manage memories')}</Link>
        </li>
      </ul>
    </details>
  )
}
