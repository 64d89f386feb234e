import { Check, type LucideIcon } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import type { ReactElement, ReactNode } from 'react'
import { t } from '../languages/index.ts'
import { classNames } from './class-names.ts'
import './menu.css'

/** A dropdown menu. */
export function Menu({
  trigger,
  align = 'end',
  children,
}: {
  trigger: ReactElement
  align?: 'start' | 'end'
  children: ReactNode
}) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align={align} sideOffset={4} collisionPadding={8}>
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

export function MenuItem({
  icon: Icon,
  onSelect,
  danger,
  disabled,
  checked,
  href,
  children,
}: {
  icon?: LucideIcon
  onSelect?: () => void
  danger?: boolean
  disabled?: boolean
  checked?: boolean
  /** The URL of a link or download, instead of `onSelect`. */
  href?: string
  children: ReactNode
}) {
  const content = (
    <>
      {Icon && <Icon size={16} aria-hidden />}
      {children}
      {checked && <Check className="menu-item-check" size={16} aria-label={t('selected')} />}
    </>
  )
  return (
    <DropdownMenu.Item
      className={classNames('menu-item', danger && 'menu-item-danger')}
      disabled={disabled ?? false}
      asChild={href !== undefined}
      {...(onSelect ? { onSelect } : {})}
    >
      {href === undefined ? content : <a href={href}>{content}</a>}
    </DropdownMenu.Item>
  )
}

export function MenuSeparator() {
  return <DropdownMenu.Separator className="menu-line" />
}
