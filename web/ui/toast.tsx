import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { Toast as Parts } from 'radix-ui'
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import { currentLanguage, directionOf, t } from '../languages/index.ts'
import { Button, IconButton } from './button.tsx'
import { classNames } from './class-names.ts'
import './toast.css'

type ToastAction = { label: string; onSelect: () => void }
type Toast = { id: number; text: string; bad: boolean; action: ToastAction | undefined }
type ShowToast = (text: string, kind?: 'good' | 'bad', action?: ToastAction) => void

const ToastContext = createContext<ShowToast>(() => undefined)

/** Returns a function that shows a message, with an optional action, for a few seconds. */
export const useToast = (): ShowToast => useContext(ToastContext)

let lastId = 0

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([])
  const showToast = useCallback<ShowToast>((text, kind = 'good', action) => {
    lastId += 1
    const toast = { id: lastId, text, bad: kind === 'bad', action }
    setToasts((others) => [...others.slice(-2), toast])
  }, [])
  return (
    <ToastContext value={showToast}>
      <Parts.Provider
        label={t('Notification')}
        swipeDirection={directionOf(currentLanguage()) === 'rtl' ? 'left' : 'right'}
        duration={5_000}
      >
        {children}
        {toasts.map((toast) => (
          <Parts.Root
            key={toast.id}
            className={classNames('toast', toast.bad && 'toast-bad')}
            type={toast.bad ? 'foreground' : 'background'}
            onOpenChange={(open) => {
              if (!open) setToasts((others) => others.filter((other) => other.id !== toast.id))
            }}
          >
            {toast.bad ? <CircleAlert size={18} aria-hidden /> : <CircleCheck size={18} aria-hidden />}
            <Parts.Description className="toast-text">{toast.text}</Parts.Description>
            {toast.action && (
              <Parts.Action asChild altText={`${toast.action.label}: ${toast.text}`}>
                <Button small onClick={toast.action.onSelect}>
                  {toast.action.label}
                </Button>
              </Parts.Action>
            )}
            <Parts.Close asChild>
              <IconButton label={t('Dismiss')} icon={X} hint={false} small />
            </Parts.Close>
          </Parts.Root>
        ))}
        <Parts.Viewport className="toasts" label={`${t('Notifications')} ({hotkey})`} />
      </Parts.Provider>
    </ToastContext>
  )
}
