import {
  Brain,
  Cpu,
  Library,
  LogOut,
  MessageSquare,
  Monitor,
  Moon,
  PanelLeft,
  Search,
  ServerCog,
  Settings,
  SquarePen,
  Sun,
  Users,
} from 'lucide-react'
import { Link, useLocation, useRoute } from 'wouter'
import type { Me } from '../api/index.ts'
import { useAppearance } from '../ui/appearance.ts'
import { IconButton } from '../ui/button.tsx'
import { Menu, MenuItem, MenuSeparator } from '../ui/menu.tsx'
import { modifierKey } from '../ui/modifier-key.ts'
import { Avatar } from '../ui/state.tsx'
import { Tooltip } from '../ui/tooltip.tsx'
import { History } from './history.tsx'
import { SidebarAvees } from './sidebar-avees.tsx'
import { useSignOut } from './sign-out.ts'
import './sidebar.css'

const shortcutName = modifierKey === '⌘' ? '⌘K' : 'Ctrl K'

const sections = [
  {
    href: '/',
    title: 'Chat',
    icon: MessageSquare,
    isActive: (path: string) => path === '/' || path.startsWith('/chat'),
  },
  {
    href: '/library',
    title: 'Library',
    icon: Library,
    isActive: (path: string) => path.startsWith('/library'),
  },
  {
    href: '/search',
    title: 'Search',
    shortcut: 'Control+K Meta+K',
    icon: Search,
    isActive: (path: string) => path.startsWith('/search'),
  },
  { href: '/avee', title: 'Avees', icon: Users, isActive: (path: string) => path.startsWith('/avee') },
  { href: '/memory', title: 'Memory', icon: Brain, isActive: (path: string) => path.startsWith('/memory') },
]

/** The sidebar: sections, conversations and the account menu. */
export function Sidebar({ me, onCollapse }: { me: Me; onCollapse: (() => void) | undefined }) {
  const [path] = useLocation()
  const [, chat] = useRoute('/chat/:handle/:id?')
  return (
    <aside className="sidebar" aria-label="Sidebar">
      <div className="sidebar-head">
        <Link href="/" className="brand">
          <img src="/favicon.svg" alt="" />
          Gabee
        </Link>
        <span className="sidebar-tools">
          {onCollapse && <IconButton label="Hide sidebar" icon={PanelLeft} onClick={onCollapse} />}
          <Tooltip text="New chat">
            <Link href={`/chat/${chat?.handle ?? 'local'}`} className="icon-button" aria-label="New chat">
              <SquarePen size={18} aria-hidden />
            </Link>
          </Tooltip>
        </span>
      </div>
      <nav className="nav" aria-label="Sections">
        {sections.map(({ href, title, icon: Icon, isActive, shortcut }) => (
          <Link
            key={href}
            href={href}
            className="nav-link"
            aria-current={isActive(path) ? 'page' : undefined}
            aria-keyshortcuts={shortcut}
          >
            <Icon size={18} aria-hidden />
            {title}
            {shortcut && (
              <kbd className="nav-shortcut" aria-hidden>
                {shortcutName}
              </kbd>
            )}
          </Link>
        ))}
      </nav>
      <SidebarAvees current={chat?.handle} />
      <History current={chat?.id} />
      <div className="sidebar-foot">
        <AccountMenu me={me} />
      </div>
    </aside>
  )
}

function AccountMenu({ me }: { me: Me }) {
  const [theme, setTheme] = useAppearance('theme')
  const [, navigate] = useLocation()
  const signOut = useSignOut()
  return (
    <Menu
      align="start"
      trigger={
        <button type="button" className="account-button" aria-label={`${me.display_name}: account and theme`}>
          <Avatar name={me.display_name} size={28} />
          <span className="truncate">{me.display_name}</span>
        </button>
      }
    >
      <MenuItem icon={Sun} checked={theme === 'light'} onSelect={() => setTheme('light')}>
        Light
      </MenuItem>
      <MenuItem icon={Moon} checked={theme === 'dark'} onSelect={() => setTheme('dark')}>
        Dark
      </MenuItem>
      <MenuItem icon={Monitor} checked={theme === undefined} onSelect={() => setTheme(undefined)}>
        System default
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={Cpu} onSelect={() => navigate('/model')}>
        Models
      </MenuItem>
      <MenuItem icon={Settings} onSelect={() => navigate('/settings')}>
        Settings
      </MenuItem>
      {me.is_admin && (
        <MenuItem icon={ServerCog} onSelect={() => navigate('/administration')}>
          Administration
        </MenuItem>
      )}
      {me.mode === 'accounts' && (
        <MenuItem icon={LogOut} onSelect={signOut}>
          Sign out
        </MenuItem>
      )}
    </Menu>
  )
}
