import { Brain } from 'lucide-react'
import { Link } from 'wouter'
import type { UsedMemory } from '../../../contract/memory.ts'
import { formatCount } from '../../ui/format.ts'
import './used-memories.css'

/** A collapsed list of the memories that an answer used. */
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
          <Link href="/memory">Manage memories</Link>
        </li>
      </ul>
    </details>
  )
}
