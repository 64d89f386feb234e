import { useState } from 'react'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { notificationState, setNotifications } from '../../ui/notifications.ts'

/** Turns notifications on and off, if the browser supports them. */
export function NotificationSwitch() {
  const [state, setState] = useState(notificationState)
  if (state === 'unavailable') return null
  return (
    <Section title={t('Notifications')}>
      <label className="check">
        <input
          type="checkbox"
          checked={state !== 'off'}
          onChange={(event) => void setNotifications(event.target.checked).then(setState)}
        />
        {t('Notify me when an answer is complete and this tab is in the background')}
      </label>
      {state === 'blocked' && (
        <p className="small field-error" role="alert">
          {t('The browser blocks notifications of this site. Allow them in its site settings.')}
        </p>
      )}
    </Section>
  )
}
