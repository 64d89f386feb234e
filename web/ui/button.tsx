import { LoaderCircle, type LucideIcon } from 'lucide-react'
import type { ComponentProps } from 'react'
import { Link } from 'wouter'
import './button.css'
import { classNames } from './class-names.ts'
import { Tooltip } from './tooltip.tsx'

type ButtonVariant = 'primary' | 'secondary' | 'quiet' | 'danger'
type ButtonStyle = { variant?: ButtonVariant; small?: boolean | undefined; icon?: LucideIcon | undefined }

const classes = ({ variant = 'secondary', small }: ButtonStyle, more?: string) =>
  classNames('button', `button-${variant}`, small && 'button-small', more)

/** A button with text. While `busy` it shows a spinner and is disabled. */
export function Button({
  variant = 'secondary',
  small,
  icon: Icon,
  busy,
  children,
  className,
  disabled,
  type = 'button',
  ...rest
}: ComponentProps<'button'> & ButtonStyle & { busy?: boolean | undefined }) {
  return (
    <button
      type={type}
      className={classes({ variant, small }, className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy ? <Spinner size={16} /> : Icon && <Icon size={16} aria-hidden />}
      {children}
    </button>
  )
}

/** A link with the appearance of a button. */
export function ButtonLink({
  href,
  variant = 'secondary',
  small,
  icon: Icon,
  children,
}: ButtonStyle & { href: string; children: React.ReactNode }) {
  return (
    <Link href={href} className={classes({ variant, small })}>
      {Icon && <Icon size={16} aria-hidden />}
      {children}
    </Link>
  )
}

/** A button with an icon; `label` is its accessible name and its tooltip. */
export function IconButton({
  label,
  icon: Icon,
  small,
  hint = true,
  className,
  type = 'button',
  ...rest
}: Omit<ComponentProps<'button'>, 'children'> & {
  label: string
  icon: LucideIcon
  small?: boolean
  hint?: boolean
}) {
  const button = (
    <button
      type={type}
      aria-label={label}
      className={classNames('icon-button', small && 'icon-button-small', className)}
      {...rest}
    >
      <Icon size={small ? 16 : 18} aria-hidden />
    </button>
  )
  return hint ? <Tooltip text={label}>{button}</Tooltip> : button
}

export function Spinner({ size = 18, label }: { size?: number; label?: string }) {
  return (
    <>
      <LoaderCircle className="spinner" size={size} aria-hidden />
      {label && <span className="visually-hidden">{label}</span>}
    </>
  )
}
