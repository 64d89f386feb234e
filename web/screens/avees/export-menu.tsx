import { Download } from 'lucide-react'
import type { Avee } from '../../../contract/avees.ts'
import { exportAvee } from '../../../contract/cards.ts'
import { useApi } from '../../api/react.tsx'
import { Button } from '../../ui/button.tsx'
import { Menu, MenuItem } from '../../ui/menu.tsx'

const formats = [
  { format: 'png', title: 'Character card as a picture' },
  { format: 'json', title: 'Character card as JSON' },
  { format: 'charx', title: 'Character card as CHARX' },
  { format: 'avee', title: 'Everything, as an .avee file' },
] as const

/** Downloads an avee as a character card or whole. */
export function ExportMenu({ avee }: { avee: Avee }) {
  const api = useApi()
  return (
    <Menu trigger={<Button icon={Download}>Export</Button>}>
      {formats.map(({ format, title }) => (
        <MenuItem key={format} href={api.url(exportAvee, { params: { id: avee.id }, query: { format } })}>
          {title}
        </MenuItem>
      ))}
    </Menu>
  )
}
