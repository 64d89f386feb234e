import { Upload } from 'lucide-react'
import { type ReactNode, useEffect, useEffectEvent, useState } from 'react'
import { t } from '../languages/index.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { useFilePicker } from '../ui/file-picker.tsx'
import { acceptedExtensions, acceptedFormatsText } from './formats.ts'
import './file-drop.css'

/** Receives files dropped anywhere on the page. Returns whether files are being dragged over it. */
export function useFileDrop(onFiles: ((files: File[]) => void) | undefined): boolean {
  const [isDragging, setIsDragging] = useState(false)
  const receive = useEffectEvent((files: File[]) => onFiles?.(files))
  const isEnabled = onFiles !== undefined

  useEffect(() => {
    if (!isEnabled) return
    // Counts dragenter and dragleave, because they fire for every descendant.
    let depth = 0
    const reset = (): void => {
      depth = 0
      setIsDragging(false)
    }
    const onDragEnter = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      depth += 1
      setIsDragging(true)
    }
    const onDragOver = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy'
    }
    const onDragLeave = (): void => {
      depth -= 1
      if (depth <= 0) reset()
    }
    const onDrop = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      reset()
      const files = [...(event.dataTransfer?.files ?? [])]
      if (files.length > 0) receive(files)
    }
    window.addEventListener('dragenter', onDragEnter)
    window.addEventListener('dragover', onDragOver)
    window.addEventListener('dragleave', onDragLeave)
    window.addEventListener('drop', onDrop)
    return () => {
      window.removeEventListener('dragenter', onDragEnter)
      window.removeEventListener('dragover', onDragOver)
      window.removeEventListener('dragleave', onDragLeave)
      window.removeEventListener('drop', onDrop)
      setIsDragging(false)
    }
  }, [isEnabled])
  return isDragging
}

/** Prevents the browser from opening a file that is dropped outside a drop target. */
export function usePreventStrayDrops(): void {
  useEffect(() => {
    const prevent = (event: DragEvent): void => {
      if (event.defaultPrevented || !hasFiles(event)) return
      event.preventDefault()
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'none'
    }
    window.addEventListener('dragover', prevent)
    window.addEventListener('drop', prevent)
    return () => {
      window.removeEventListener('dragover', prevent)
      window.removeEventListener('drop', prevent)
    }
  }, [])
}

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false

/** Picks documents to upload, see `useFilePicker`. */
export const useDocumentPicker = (onFiles: (files: File[]) => void) =>
  useFilePicker({ accept: acceptedExtensions, multiple: true }, onFiles)

/** A target for dropped files with a button that opens the file picker. */
export function DropZone({ onFiles, children }: { onFiles: (files: File[]) => void; children?: ReactNode }) {
  const isDragging = useFileDrop(onFiles)
  const picker = useDocumentPicker(onFiles)
  return (
    <div className={classNames('drop-zone', isDragging && 'drop-zone-active')}>
      <Upload size={24} strokeWidth={1.5} aria-hidden />
      <p>
        <strong>{t('Drop files here')}</strong>
        <span className="soft small">{t(acceptedFormatsText)}</span>
      </p>
      <div className="drop-zone-actions">
        <Button onClick={picker.open}>{t('Choose files')}</Button>
        {children}
      </div>
      {picker.input}
    </div>
  )
}

/** Covers the screen while files are dragged over it. */
export function DropOverlay({ text }: { text: string }) {
  return (
    <div className="drop-overlay" aria-hidden>
      <Upload size={28} strokeWidth={1.5} />
      {text}
    </div>
  )
}
