import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { Toast as Parts } from 'radix-ui'
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import { IconButton } from './button.tsx'
import { classNames } from './class-names.ts'
import './toast.css'

type Toast = { id: number; text: string; bad: boolean }
type ShowToast = (text: string, kind?: 'good' | 'bad') => void

const ToastContext = createContext<ShowToast>(() => undefined)

/** Returns a function that shows a message for a few seconds. */
export const useToast = (): ShowToast => useContext(ToastContext)

let lastId = 0

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([])
  const showToast = useCallback<ShowToast>((text, kind = 'good') => {
    lastId += 1
    const toast = { id: lastId, text, bad: kind === 'bad' }
    setToasts((others) => [...others.slice(-2), toast])
  }, [])
  return (
    <ToastContext value={showToast}>
      <Parts.Provider swipeDirection="right" duration={5_000}>
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
            <Parts.Close asChild>
              <IconButton label="Dismiss" icon={X} hint={false} small />
            </Parts.Close>
          </Parts.Root>
        ))}
        <Parts.Viewport className="toasts" />
      </Parts.Provider>
    </ToastContext>
  )
}
