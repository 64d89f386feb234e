import { ImageUp, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Avatar, isImage } from '../../ui/state.tsx'
import './avatar-field.css'

/** Width and height of a stored avatar in pixels. */
const avatarSize = 256

/** An image, resized in the browser, or an emoji. */
export function AvatarField({
  name,
  picture,
  onChange,
}: {
  name: string
  picture: string | null
  onChange: (picture: string | null) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  const [error, setError] = useState<string>()
  const upload = async (file: File): Promise<void> => {
    try {
      onChange(await createThumbnail(file))
      setError(undefined)
    } catch {
      setError('This file is not an image your browser can open.')
    }
  }
  return (
    <div className="avatar-field">
      <Avatar name={name} picture={picture} size={72} />
      <div className="avatar-field-choices">
        <Button icon={ImageUp} onClick={() => input.current?.click()}>
          Choose image
        </Button>
        {isImage(picture) ? (
          <Button variant="quiet" icon={X} onClick={() => onChange(null)}>
            Remove
          </Button>
        ) : (
          <TextField
            label="Or use an emoji"
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
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        onChange={(event) => {
          const file = event.target.files?.[0]
          event.target.value = ''
          if (file) void upload(file)
        }}
      />
    </div>
  )
}

/** Crops an image to its central square, scales it down and returns it as a data: URL. */
async function createThumbnail(file: File): Promise<string> {
  const image = await createImageBitmap(file)
  const canvas = document.createElement('canvas')
  canvas.width = avatarSize
  canvas.height = avatarSize
  const cropSize = Math.min(image.width, image.height)
  canvas
    .getContext('2d')
    ?.drawImage(
      image,
      (image.width - cropSize) / 2,
      (image.height - cropSize) / 2,
      cropSize,
      cropSize,
      0,
      0,
      avatarSize,
      avatarSize,
    )
  image.close()
  return canvas.toDataURL('image/webp', 0.85)
}
