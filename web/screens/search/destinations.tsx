import { Link } from 'wouter'
import type { Avee } from '../../../contract/avees.ts'
import { useIsAdmin } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import './destinations.css'

const screens = () => [
  { title: t('New chat with your library'), href: '/chat/local' },
  { title: t('Library'), href: '/library' },
  { title: t('Avees'), href: '/avee' },
  { title: t('Memory'), href: '/memory' },
  { title: t('Models'), href: '/model' },
  { title: t('Settings'), href: '/settings' },
]

/** Screens and chats whose names contain the words, or all of them. */
export function Destinations({ words, avees }: { words: string; avees: Avee[] }) {
  const isAdmin = useIsAdmin()
  const all = [
    ...avees.map((avee) => ({
      title: t('New chat with {name}', { name: avee.display_name }),
      href: `/chat/${avee.handle}`,
    })),
    ...screens(),
    ...(isAdmin ? [{ title: t('Administration'), href: '/administration' }] : []),
  ]
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  const found = all.filter(({ title }) => wanted.every((word) => title.toLowerCase().includes(word)))
  if (found.length === 0) return null
  return (
    <nav aria-label={t('Go to')}>
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
