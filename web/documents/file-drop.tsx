import { Upload } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import './documents.css'
import { acceptedExtensions, acceptedFormatsText } from './formats.ts'

/** Takes files that are dropped anywhere on the page; true while some are just above it. */
export function useFileDrop(onFiles: ((files: File[]) => void) | undefined): boolean {
  const [isOver, setIsOver] = useState(false)
  const latest = useRef(onFiles)
  useEffect(() => {
    latest.current = onFiles
  })
  const isTaken = onFiles !== undefined

  useEffect(() => {
    if (!isTaken) return
    // Enter and leave come for every element within: the balance tells.
    let depth = 0
    const leave = (): void => {
      depth = 0
      setIsOver(false)
    }
    const onDragEnter = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      depth += 1
      setIsOver(true)
    }
    const onDragOver = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy'
    }
    const onDragLeave = (): void => {
      depth -= 1
      if (depth <= 0) leave()
    }
    const onDrop = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      leave()
      const files = [...(event.dataTransfer?.files ?? [])]
      if (files.length > 0) latest.current?.(files)
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
      setIsOver(false)
    }
  }, [isTaken])
  return isOver
}

/** Keeps the browser from leaving the page for a file that is dropped where nothing takes it. */
export function usePreventStrayDrops(): void {
  useEffect(() => {
    const refuse = (event: DragEvent): void => {
      if (event.defaultPrevented || !hasFiles(event)) return
      event.preventDefault()
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'none'
    }
    window.addEventListener('dragover', refuse)
    window.addEventListener('drop', refuse)
    return () => {
      window.removeEventListener('dragover', refuse)
      window.removeEventListener('drop', refuse)
    }
  }, [])
}

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false

/** Opens the file picker; `open` is for a button, `input` must be rendered somewhere. */
export function useFilePicker(onFiles: (files: File[]) => void): { open: () => void; input: ReactNode } {
  const input = useRef<HTMLInputElement>(null)
  return {
    open: () => input.current?.click(),
    input: (
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept={acceptedExtensions}
        onChange={(event) => {
          const files = [...(event.target.files ?? [])]
          event.target.value = ''
          if (files.length > 0) onFiles(files)
        }}
      />
    ),
  }
}

/** Says that files can be dropped here, with a button for those who would rather choose. */
export function DropZone({ onFiles, children }: { onFiles: (files: File[]) => void; children?: ReactNode }) {
  const isOver = useFileDrop(onFiles)
  const picker = useFilePicker(onFiles)
  return (
    <div className={classNames('drop-zone', isOver && 'drop-zone-over')}>
      <Upload size={24} strokeWidth={1.5} aria-hidden />
      <p>
        <strong>Drop files here</strong>
        <span className="soft small">{acceptedFormatsText}</span>
      </p>
      <div className="drop-zone-actions">
        <Button onClick={picker.open}>Choose files</Button>
        {children}
      </div>
      {picker.input}
    </div>
  )
}

/** Says over a whole screen that it takes the files that are just above it. */
export function DropOverlay({ text }: { text: string }) {
  return (
    <div className="drop-veil" aria-hidden>
      <Upload size={28} strokeWidth={1.5} />
      {text}
    </div>
  )
}
