import { Brain } from 'lucide-react'
import { Link } from 'wouter'
import type { UsedMemory } from '../../../contract/memory.ts'
import { formatCount } from '../../ui/format.ts'
import './used-memories.css'

/** Under an answer: which memories it was given, folded up. */
export function UsedMemories({ memories }: { memories: UsedMemory[] }) {
  if (memories.length === 0) return null
  return (
    <details className="memories-used">
      <summary>
        <Brain size={14} aria-hidden />
        Used {formatCount(memories.length, 'memory', 'memories')}
      </summary>
      <ul>
        {memories.map((memory) => (
          <li key={memory.id}>{memory.content}</li>
        ))}
        <li>
          <Link href="/memory">What is remembered of you</Link>
        </li>
      </ul>
    </details>
  )
}
