import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { type Avee, deleteAvee } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'

export function DeleteAvee({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const [, navigate] = useLocation()
  const [isAsking, setIsAsking] = useState(false)
  return (
    <Section
      title="Delete"
      text="Its documents, conversations and permissions go with it, for everybody."
      actions={<Button onClick={() => setIsAsking(true)}>Delete this avee</Button>}
    >
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setIsAsking}
        title={`Delete ${avee.display_name}?`}
        action="Delete"
        onConfirm={async () => {
          await api.call(deleteAvee, { params: { id: avee.id } })
          navigate('/avee')
          await Promise.all([
            queries.invalidateQueries({ queryKey: keys.avees }),
            queries.invalidateQueries({ queryKey: keys.conversations }),
          ])
        }}
      >
        Its documents, conversations and permissions will be gone for good.
      </ConfirmDialog>
    </Section>
  )
}
