import { Library } from 'lucide-react'
import type { Avee } from '../../../contract/avees.ts'
import { Avatar } from '../../ui/state.tsx'

export function AveeAvatar({ avee, size }: { avee: Avee; size: number }) {
  const icon = avee.is_library ? Library : undefined
  return <Avatar name={avee.display_name} picture={avee.avatar} icon={icon} size={size} />
}
