import { ImageUp, X } from 'lucide-react'
import { useState } from 'react'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { useFilePicker } from '../../ui/file-picker.tsx'
import { Avatar, isImage } from '../../ui/state.tsx'
import { CropDialog } from './crop-dialog.tsx'
import './avatar-field.css'

/** An image, cropped in the browser, or an emoji. */
export function AvatarField({
  name,
  picture,
  onChange,
}: {
  name: string
  picture: string | null
  onChange: (picture: string | null) => void
}) {
  const [error, setError] = useState<string>()
  const [image, setImage] = useState<ImageBitmap>()
  const open = async (file: File): Promise<void> => {
    try {
      setImage(await createImageBitmap(file))
      setError(undefined)
    } catch {
      setError(t('This file is not an image your browser can open.'))
    }
  }
  const picker = useFilePicker({ accept: 'image/*' }, ([file]) => void open(file))
  return (
    <div className="avatar-field">
      <Avatar name={name} picture={picture} size={72} />
      <div className="avatar-field-choices">
        <Button icon={ImageUp} onClick={picker.open}>
          {t('Choose image')}
        </Button>
        {isImage(picture) ? (
          <Button variant="quiet" icon={X} onClick={() => onChange(null)}>
            {t('Remove')}
          </Button>
        ) : (
          <TextField
            label={t('Or use an emoji')}
            value={picture ?? ''}
            maxLength={16}
            size={4}
            onChange={(event) => onChange(event.target.value || null)}
          />
        )}
        {error && (
          <p className="field-error" role="alert">
            {error}
          </p>
        )}
      </div>
      {picker.input}
      {image && (
        <CropDialog
          image={image}
          onCrop={(cropped) => {
            onChange(cropped)
            setImage(undefined)
          }}
          onClose={() => setImage(undefined)}
        />
      )}
    </div>
  )
}
