import { ImageUp, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Avatar } from '../../ui/state.tsx'

const side = 256

/** A picture, made small in the browser, or an emoji. */
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
  const isPicture = picture?.startsWith('data:') ?? false
  const take = async (file: File): Promise<void> => {
    try {
      onChange(await smallPicture(file))
      setError(undefined)
    } catch {
      setError('This file is not a picture that the browser can read.')
    }
  }
  return (
    <div className="avatar-field">
      <Avatar name={name} picture={picture} size={72} />
      <div className="avatar-field-choices">
        <Button icon={ImageUp} onClick={() => input.current?.click()}>
          Choose a picture
        </Button>
        {isPicture ? (
          <Button variant="quiet" icon={X} onClick={() => onChange(null)}>
            Take it away
          </Button>
        ) : (
          <TextField
            label="or an emoji"
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
          if (file) void take(file)
        }}
      />
    </div>
  )
}

/** The middle of a picture as a small square, as a data: URL. */
async function smallPicture(file: File): Promise<string> {
  const image = await createImageBitmap(file)
  const canvas = document.createElement('canvas')
  canvas.width = side
  canvas.height = side
  const shorter = Math.min(image.width, image.height)
  canvas
    .getContext('2d')
    ?.drawImage(
      image,
      (image.width - shorter) / 2,
      (image.height - shorter) / 2,
      shorter,
      shorter,
      0,
      0,
      side,
      side,
    )
  image.close()
  return canvas.toDataURL('image/webp', 0.85)
}
