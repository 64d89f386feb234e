import { Link } from 'wouter'
import type { Avee } from '../../../contract/avees.ts'
import { useIsAdmin } from '../../api/react.tsx'
import './destinations.css'

const screens = [
  { title: 'New chat with your library', href: '/chat/local' },
  { title: 'Library', href: '/library' },
  { title: 'Avees', href: '/avee' },
  { title: 'Memory', href: '/memory' },
  { title: 'Models', href: '/model' },
  { title: 'Settings', href: '/settings' },
]

/** Screens and chats whose names contain the words, or all of them. */
export function Destinations({ words, avees }: { words: string; avees: Avee[] }) {
  const isAdmin = useIsAdmin()
  const all = [
    ...avees.map((avee) => ({ title: `New chat with ${avee.display_name}`, href: `/chat/${avee.handle}` })),
    ...screens,
    ...(isAdmin ? [{ title: 'Administration', href: '/administration' }] : []),
  ]
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  const found = all.filter(({ title }) => wanted.every((word) => title.toLowerCase().includes(word)))
  if (found.length === 0) return null
  return (
    <nav aria-label="Go to">
      <ul className="destinations">
        {found.map(({ title, href }) => (
          <li key={href}>
            <Link href={href} className="destination" dir="auto">
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
