import { ArrowLeft, X } from 'lucide-react'
import { createContext, type ReactNode, useContext, useEffect } from 'react'
import { Link } from 'wouter'
import { t } from '../languages/index.ts'
import { IconButton } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { isEmbedded, postToWebsite } from '../ui/embedded.ts'
import { MenuButton } from './menu-button.tsx'
import './page.css'

/** Opens the sidebar where it is hidden, as on phones. */
export const OpenMenuContext = createContext({ isHidden: false, open: () => {} })

/** The bar at the top of a screen, with the button for a hidden sidebar or for closing the frame on a website. */
export function TopBar({ title, children }: { title: ReactNode; children?: ReactNode }) {
  const { isHidden, open } = useContext(OpenMenuContext)
  return (
    <header className="top-bar">
      {isHidden && <MenuButton onOpen={open} />}
      <div className="top-bar-title">
        {typeof title === 'string' ? <h1 className="page-title truncate">{title}</h1> : title}
      </div>
      {children && <div className="top-bar-actions">{children}</div>}
      {isEmbedded() && <CloseFrameButton />}
    </header>
  )
}

function CloseFrameButton() {
  useEffect(() => postToWebsite('gabee:ready'), [])
  return <IconButton label={t('Close')} icon={X} hint={false} onClick={() => postToWebsite('gabee:close')} />
}

/** A screen with a title, actions and a column of content. */
export function Page({
  title,
  back,
  intro,
  actions,
  wide,
  children,
}: {
  title: string
  /** The parent screen. */
  back?: { href: string; title: string }
  intro?: ReactNode
  actions?: ReactNode
  /** A wider column, for tables and for two columns. */
  wide?: boolean
  children: ReactNode
}) {
  useTitle(title)
  const { isHidden } = useContext(OpenMenuContext)
  const heading = <h1 className="page-title truncate">{title}</h1>
  return (
    <>
      {isHidden && <TopBar title={title} />}
      <div className="page">
        <div className={classNames('page-column', wide && 'page-column-wide')}>
          {back && (
            <Link href={back.href} className="page-back">
              <ArrowLeft size={16} aria-hidden />
              {back.title}
            </Link>
          )}
          {(!isHidden || intro || actions) && (
            <header className="page-head">
              <div className="page-words">
                {!isHidden && heading}
                {intro && <p className="page-intro">{intro}</p>}
              </div>
              {actions && <div className="section-actions">{actions}</div>}
            </header>
          )}
          {children}
        </div>
      </div>
    </>
  )
}

/** A section of a page with its heading. */
export function Section({
  title,
  text,
  actions,
  children,
}: {
  title: string
  text?: ReactNode
  actions?: ReactNode
  children?: ReactNode
}) {
  return (
    <section className="section">
      <div className="section-head">
        <div>
          <h2>{title}</h2>
          {text && <p className="section-text">{text}</p>}
        </div>
        {actions && <div className="section-actions">{actions}</div>}
      </div>
      {children}
    </section>
  )
}

/** Sets the title of the document. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === 'Gabee' ? title : `${title} · Gabee`
  }, [title])
}
