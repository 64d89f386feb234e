import { useMutation } from '@tanstack/react-query'
import { useEffect, useEffectEvent } from 'react'
import { approveToolCall, type ToolCall } from '../../../contract/tools.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { toolTitle } from '../../tools/built-in-tools.ts'
import { Button } from '../../ui/button.tsx'
import { formatTime } from '../../ui/format.ts'
import { notifyInBackground } from '../../ui/notifications.ts'
import { Notice } from '../../ui/state.tsx'
import { CallArguments } from './tool-call.tsx'

/** Asks the user whether a call may run, and shows all its arguments. */
export function ToolApproval({ call, runId, name }: { call: ToolCall; runId: string; name: string }) {
  const api = useApi()
  const decision = useMutation({
    mutationFn: (approve: boolean) =>
      api.call(approveToolCall, { params: { id: runId, call_id: call.call_id }, body: { approve } }),
  })
  const tool = toolTitle(call.name)
  const isDecided = decision.isPending || decision.isSuccess
  const notify = useEffectEvent(
    () => void notifyInBackground(t('{name} asks for your permission', { name }), { body: tool, tag: runId }),
  )
  useEffect(() => notify(), [])
  return (
    <div className="tool-approval" role="group" aria-label={t('Permission for {tool}', { tool })}>
      <Notice
        kind="warn"
        actions={
          <div className="notice-actions">
            <Button small variant="primary" disabled={isDecided} onClick={() => decision.mutate(true)}>
              {t('Allow')}
            </Button>
            <Button small disabled={isDecided} onClick={() => decision.mutate(false)}>
              {t('Don’t allow')}
            </Button>
          </div>
        }
      >
        <strong>{t('Allow “{tool}”?', { tool })}</strong>
        <CallArguments call={call} />
        {call.expires_at && (
          <p className="approval-expiry">
            {t('If you don’t answer by {time}, it is not allowed.', { time: formatTime(call.expires_at) })}
          </p>
        )}
        {decision.error && <p role="alert">{decision.error.message}</p>}
      </Notice>
    </div>
  )
}
