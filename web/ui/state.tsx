import { CircleAlert, Info, type LucideIcon, TriangleAlert } from 'lucide-react'
import type { CSSProperties, ReactNode } from 'react'
import { Button } from './button.tsx'
import { classNames } from './class-names.ts'
import './state.css'

/** Nothing here yet: says what would be here and how to get it. */
export function EmptyState({
  icon: Icon,
  title,
  children,
  actions,
}: {
  icon?: LucideIcon
  title: string
  children?: ReactNode
  actions?: ReactNode
}) {
  return (
    <div className="state">
      {Icon && <Icon size={28} strokeWidth={1.5} aria-hidden />}
      <p className="state-title">{title}</p>
      {children && <div className="state-text">{children}</div>}
      {actions && <div className="state-actions">{actions}</div>}
    </div>
  )
}

/** Something could not be loaded: the server's sentence, and a way to try again. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div className="state" role="alert">
      <CircleAlert size={28} strokeWidth={1.5} aria-hidden />
      <p className="state-text">{errorMessage(error)}</p>
      {onRetry && (
        <div className="state-actions">
          <Button onClick={onRetry}>Try again</Button>
        </div>
      )}
    </div>
  )
}

/** What went wrong, for people. */
export const errorMessage = (error: unknown): string =>
  error instanceof Error && error.message ? error.message : 'Something went wrong.'

/** A remark within a page. */
export function Notice({
  kind = 'info',
  children,
  actions,
}: {
  kind?: 'info' | 'warn' | 'bad'
  children: ReactNode
  actions?: ReactNode
}) {
  const Icon = kind === 'info' ? Info : kind === 'warn' ? TriangleAlert : CircleAlert
  return (
    <div className={classNames('notice', `notice-${kind}`)} role={kind === 'bad' ? 'alert' : undefined}>
      <Icon size={16} aria-hidden />
      <div className="notice-body">
        <div className="notice-text">{children}</div>
        {actions}
      </div>
    </div>
  )
}

/** Holds the place of what is still on its way. */
export function Skeleton({
  width = '100%',
  height = '1em',
  round,
}: {
  width?: string
  height?: string
  round?: boolean
}) {
  return (
    <span
      className="skeleton"
      style={{ width, height, ...(round ? { borderRadius: '50%' } : {}) }}
      aria-hidden
    />
  )
}

/** A bar; without a value it shows only that something happens. */
export function Progress({ value, label }: { value?: number | undefined; label: string }) {
  const percent = value === undefined ? undefined : Math.round(value * 100)
  return (
    <div
      className={classNames('progress', percent === undefined && 'progress-unknown')}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div className="progress-bar" style={percent === undefined ? undefined : { width: `${percent}%` }} />
    </div>
  )
}

export function Badge({ kind, children }: { kind?: 'accent' | 'warn'; children: ReactNode }) {
  return <span className={classNames('badge', kind && `badge-${kind}`)}>{children}</span>
}

/** A picture (data: URL), an emoji, or the first letter of the name. A remote picture is never asked for. */
export function Avatar({
  name,
  picture,
  size = 32,
}: {
  name: string
  picture?: string | null
  size?: number
}) {
  const style: CSSProperties = { width: size, height: size, fontSize: size * 0.44 }
  if (picture?.startsWith('data:image/'))
    return (
      <span className="avatar" style={style} aria-hidden>
        <img src={picture} alt="" />
      </span>
    )
  // Drawn by the style sheet: a lone letter is no text to be read or copied.
  return <span className="avatar" style={style} data-letter={avatarText(name, picture)} aria-hidden />
}

const avatarText = (name: string, picture: string | null | undefined): string =>
  picture && picture.length <= 16 && !picture.includes(':')
    ? picture
    : ([...name.trim()][0] ?? '?').toUpperCase()
