import { X } from 'lucide-react'
import { Dialog as Parts } from 'radix-ui'
import { type ReactNode, useState } from 'react'
import { t } from '../languages/index.ts'
import { Button, IconButton } from './button.tsx'
import { classNames } from './class-names.ts'
import './dialog.css'

type Opening = { open: boolean; onOpenChange: (open: boolean) => void }

/** A modal dialog. */
export function Dialog({
  open,
  onOpenChange,
  title,
  wide,
  full,
  children,
}: Opening & { title: string; wide?: boolean; full?: boolean; children: ReactNode }) {
  return (
    <Parts.Root open={open} onOpenChange={onOpenChange}>
      <Parts.Portal>
        <Parts.Overlay className="dialog-overlay" />
        <Parts.Content
          className={classNames('dialog', wide && 'dialog-wide', full && 'dialog-full')}
          aria-describedby={undefined}
        >
          <div className="dialog-head">
            <Parts.Title className="dialog-title">{title}</Parts.Title>
            <Parts.Close asChild>
              <IconButton label={t('Close')} icon={X} hint={false} small />
            </Parts.Close>
          </div>
          <div className="dialog-body">{children}</div>
        </Parts.Content>
      </Parts.Portal>
    </Parts.Root>
  )
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="dialog-actions">{children}</div>
}

/** Asks for confirmation of a destructive action. Stays open and shows the error if the action fails. */
export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  action,
  onConfirm,
  children,
}: Opening & { title: string; action: string; onConfirm: () => Promise<unknown>; children: ReactNode }) {
  const [state, setState] = useState<{ busy: boolean; error?: string }>({ busy: false })
  const confirm = async (): Promise<void> => {
    setState({ busy: true })
    try {
      await onConfirm()
      setState({ busy: false })
      onOpenChange(false)
    } catch (error) {
      setState({ busy: false, error: error instanceof Error ? error.message : t('Something went wrong.') })
    }
  }
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={title}>
      <div className="soft">{children}</div>
      {state.error && (
        <p role="alert" className="field-error">
          {state.error}
        </p>
      )}
      <DialogActions>
        <Button onClick={() => onOpenChange(false)}>{t('Cancel')}</Button>
        <Button variant="danger" busy={state.busy} onClick={() => void confirm()}>
          {action}
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** A panel at the bottom edge, used on phones for panels that are beside the page on wide screens. */
export function Sheet({
  open,
  onOpenChange,
  title,
  children,
}: Opening & { title: string; children: ReactNode }) {
  return (
    <Parts.Root open={open} onOpenChange={onOpenChange}>
      <Parts.Portal>
        <Parts.Overlay className="dialog-overlay" />
        <Parts.Content className="sheet" aria-describedby={undefined}>
          <Parts.Title className="visually-hidden">{title}</Parts.Title>
          {children}
        </Parts.Content>
      </Parts.Portal>
    </Parts.Root>
  )
}

/** A panel at the left edge: the sidebar on phones. */
export function Drawer({
  open,
  onOpenChange,
  title,
  children,
}: Opening & { title: string; children: ReactNode }) {
  return (
    <Parts.Root open={open} onOpenChange={onOpenChange}>
      <Parts.Portal>
        <Parts.Overlay className="dialog-overlay" />
        <Parts.Content
          className="drawer"
          aria-describedby={undefined}
          // Focusing the search field would open the on-screen keyboard.
          onOpenAutoFocus={(event) => {
            event.preventDefault()
            if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus()
          }}
        >
          <Parts.Title className="visually-hidden">{title}</Parts.Title>
          {children}
        </Parts.Content>
      </Parts.Portal>
    </Parts.Root>
  )
}
