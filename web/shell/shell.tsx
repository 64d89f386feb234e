import { type ReactNode, Suspense, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import type { Me } from '../api/index.ts'
import { UploadTray } from '../documents/upload-list.tsx'
import { t } from '../languages/index.ts'
import { classNames } from '../ui/class-names.ts'
import { Drawer } from '../ui/dialog.tsx'
import { isTyping } from '../ui/is-typing.ts'
import { loadLocally, saveLocally } from '../ui/local-storage.ts'
import { phoneScreen, useMediaQuery } from '../ui/media.ts'
import { aveeOfPath } from './avee-of-path.ts'
import { ConnectionBar } from './connection-bar.tsx'
import { OpenMenuContext } from './page.tsx'
import { onDemand } from './screen-boundary.tsx'
import './shell.css'
import { Sidebar } from './sidebar.tsx'

const ShortcutsDialog = onDemand(async () => (await import('./shortcuts-dialog.tsx')).ShortcutsDialog)
const hiddenSidebar = 'hidden-sidebar'

/** The layout of every screen: the sidebar, which is a drawer on phones, and the content. */
export function Shell({ me, children }: { me: Me; children: ReactNode }) {
  const isPhone = useMediaQuery(phoneScreen)
  const [isOpen, setIsOpen] = useState(false)
  const [isHidden, setIsHidden] = useState(() => loadLocally(hiddenSidebar) !== undefined)
  const hideSidebar = (hides: boolean): void => {
    setIsHidden(hides)
    saveLocally(hiddenSidebar, hides ? 'yes' : undefined)
  }
  const [showsShortcuts, setShowsShortcuts] = useState(false)
  const [location, navigate] = useLocation()
  useEffect(() => setIsOpen(false), [location])
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const key = event.key.toLowerCase()
      const hasModifier = event.ctrlKey || event.metaKey
      if (key === '?' && !hasModifier && !isTyping(event)) setShowsShortcuts(true)
      else if (key === 'o' && hasModifier && event.shiftKey) {
        event.preventDefault()
        navigate(`/chat/${aveeOfPath(location) ?? 'local'}`)
      } else if (key === 'k' && hasModifier) {
        event.preventDefault()
        const field = document.querySelector<HTMLInputElement>('form[role=search] input')
        if (field) field.select()
        else navigate('/search')
      }
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [navigate, location])

  return (
    <OpenMenuContext
      value={{ isHidden: isPhone || isHidden, open: () => (isPhone ? setIsOpen(true) : hideSidebar(false)) }}
    >
      <a className="skip-link" href="#main">
        {t('Skip to the content')}
      </a>
      <div className={classNames('shell', isHidden && 'shell-wide')}>
        {isPhone ? (
          <Drawer open={isOpen} onOpenChange={setIsOpen} title={t('Menu')}>
            <Sidebar me={me} onCollapse={undefined} />
          </Drawer>
        ) : (
          !isHidden && <Sidebar me={me} onCollapse={() => hideSidebar(true)} />
        )}
        <main className="shell-main" id="main" tabIndex={-1}>
          <ConnectionBar />
          {children}
        </main>
        {/* The chat shows uploads above its input. */}
        {!location.startsWith('/chat/') && <UploadTray />}
      </div>
      <Suspense>{showsShortcuts && <ShortcutsDialog onClose={() => setShowsShortcuts(false)} />}</Suspense>
    </OpenMenuContext>
  )
}
