import { type PointerEvent, useEffect, useRef, useState } from 'react'
import { type Message, message, t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { cropOf, type Framing, moveFraming } from './crop.ts'
import './crop-dialog.css'

/** Width and height of a stored avatar in pixels. */
const avatarSize = 256

const sliders: { name: keyof Framing; label: Message; min: number; max: number }[] = [
  { name: 'zoom', label: message('Zoom'), min: 1, max: 4 },
  { name: 'x', label: message('Left or right'), min: 0, max: 1 },
  { name: 'y', label: message('Up or down'), min: 0, max: 1 },
]

/** Lets the user choose the part of an image that becomes the avatar, a data: URL. */
export function CropDialog({
  image,
  onCrop,
  onClose,
}: {
  image: ImageBitmap
  onCrop: (picture: string) => void
  onClose: () => void
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [framing, setFraming] = useState<Framing>({ zoom: 1, x: 0.5, y: 0.5 })
  useEffect(() => {
    const { left, top, size } = cropOf(image, framing)
    const context = canvas.current?.getContext('2d')
    context?.clearRect(0, 0, avatarSize, avatarSize)
    context?.drawImage(image, left, top, size, size, 0, 0, avatarSize, avatarSize)
  }, [image, framing])
  const drag = (event: PointerEvent): void => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return
    const scale = 1 / event.currentTarget.clientWidth
    setFraming((current) => moveFraming(image, current, event.movementX * scale, event.movementY * scale))
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Crop picture')}>
      <canvas
        ref={canvas}
        className="crop-canvas"
        width={avatarSize}
        height={avatarSize}
        role="img"
        aria-label={t('The picture as it will be shown')}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag}
      />
      {sliders.map(({ name, label, min, max }) => (
        <label key={name} className="crop-slider">
          {t(label)}
          <input
            type="range"
            min={min}
            max={max}
            step={0.01}
            value={framing[name]}
            onChange={(event) => setFraming({ ...framing, [name]: Number(event.target.value) })}
          />
        </label>
      ))}
      <DialogActions>
        <Button onClick={onClose}>{t('Cancel')}</Button>
        <Button
          variant="primary"
          onClick={() => {
            if (canvas.current) onCrop(canvas.current.toDataURL('image/webp', 0.85))
          }}
        >
          {t('Use picture')}
        </Button>
      </DialogActions>
    </Dialog>
  )
}
