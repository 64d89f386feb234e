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
import { message, t } from '../languages/index.ts'
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
    title: message('Chat'),
    icon: MessageSquare,
    isActive: (path: string) => path === '/' || /^\/chat(?:$|\/local)/.test(path),
  },
  {
    href: '/library',
    title: message('Library'),
    icon: Library,
    isActive: (path: string) => path.startsWith('/library'),
  },
  {
    href: '/search',
    title: message('Search'),
    shortcut: 'Control+K Meta+K',
    icon: Search,
    isActive: (path: string) => path.startsWith('/search'),
  },
  {
    href: '/avee',
    title: message('Avees'),
    icon: Users,
    isActive: (path: string) => path.startsWith('/avee'),
  },
  {
    href: '/memory',
    title: message('Memory'),
    icon: Brain,
    isActive: (path: string) => path.startsWith('/memory'),
  },
]

/** The sidebar: sections, conversations and the account menu. */
export function Sidebar({ me, onCollapse }: { me: Me; onCollapse: (() => void) | undefined }) {
  const [path] = useLocation()
  const [, chat] = useRoute('/chat/:handle/:id?')
  return (
    <aside className="sidebar" aria-label={t('Sidebar')}>
      <div className="sidebar-head">
        <Link href="/" className="brand">
          <img src="/favicon.svg" alt="" />
          Gabee
        </Link>
        <span className="sidebar-tools">
          {onCollapse && <IconButton label={t('Hide sidebar')} icon={PanelLeft} onClick={onCollapse} />}
          <Tooltip text={t('New chat')}>
            <Link
              href={`/chat/${chat?.handle ?? 'local'}`}
              className="icon-button"
              aria-label={t('New chat')}
            >
              <SquarePen size={18} aria-hidden />
            </Link>
          </Tooltip>
        </span>
      </div>
      <nav className="nav" aria-label={t('Sections')}>
        {sections.map(({ href, title, icon: Icon, isActive, shortcut }) => (
          <Link
            key={href}
            href={href}
            className="nav-link"
            aria-current={isActive(path) ? 'page' : undefined}
            aria-keyshortcuts={shortcut}
          >
            <Icon size={18} aria-hidden />
            {t(title)}
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
        <button
          type="button"
          className="account-button"
          aria-label={t('{name}: account and theme', { name: me.display_name })}
        >
          <Avatar name={me.display_name} size={28} />
          <span className="truncate">{me.display_name}</span>
        </button>
      }
    >
      <MenuItem icon={Sun} checked={theme === 'light'} onSelect={() => setTheme('light')}>
        {t('Light')}
      </MenuItem>
      <MenuItem icon={Moon} checked={theme === 'dark'} onSelect={() => setTheme('dark')}>
        {t('Dark')}
      </MenuItem>
      <MenuItem icon={Monitor} checked={theme === undefined} onSelect={() => setTheme(undefined)}>
        {t('System default')}
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={Cpu} onSelect={() => navigate('/model')}>
        {t('Models')}
      </MenuItem>
      <MenuItem icon={Settings} onSelect={() => navigate('/settings')}>
        {t('Settings')}
      </MenuItem>
      {me.is_admin && (
        <MenuItem icon={ServerCog} onSelect={() => navigate('/administration')}>
          {t('Administration')}
        </MenuItem>
      )}
      {me.mode === 'accounts' && (
        <MenuItem icon={LogOut} onSelect={signOut}>
          {t('Sign out')}
        </MenuItem>
      )}
    </Menu>
  )
}
