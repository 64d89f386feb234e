import { loadLocally, saveLocally } from './local-storage.ts'

const name = 'notifications'

/** off: turned off by the user; blocked: turned on by the user, but not allowed by the browser. */
export type NotificationState = 'unavailable' | 'off' | 'on' | 'blocked'

export function notificationState(): NotificationState {
  if (!('Notification' in globalThis)) return 'unavailable'
  if (loadLocally(name) !== 'on') return 'off'
  return Notification.permission === 'granted' ? 'on' : 'blocked'
}

/** Turns notifications in this browser on or off. Asks the user for the permission, so call it on a click only. */
export async function setNotifications(isOn: boolean): Promise<NotificationState> {
  saveLocally(name, isOn ? 'on' : undefined)
  if (isOn) await Notification.requestPermission()
  return notificationState()
}

/**
 * Shows a notification if the user has turned them on and the page is hidden. It replaces one with the same tag. The
 * service worker shows it, because phones support no other notifications. A click opens the current path.
 */
export async function notifyInBackground(
  title: string,
  { body, tag }: { body: string; tag: string },
): Promise<void> {
  if (!document.hidden || notificationState() !== 'on') return
  const options = { body, tag, icon: '/icon-192.png', data: location.pathname }
  const registration = await navigator.serviceWorker?.getRegistration()
  if (registration?.active) registration.active.postMessage({ title, options })
  else new Notification(title, options).addEventListener('click', () => focus())
}
