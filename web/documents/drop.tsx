import { Upload } from 'lucide-react'
import { type DragEvent, type ReactNode, useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { joined } from '../ui/joined.ts'
import './documents.css'
import { accepted, acceptedInWords } from './formats.ts'

/** Handlers that make an element take files, and whether some are just above it. */
export function useFileDrop(onFiles: ((files: File[]) => void) | undefined) {
  const [isOver, setIsOver] = useState(false)
  // Enter and leave come for every element within: the balance tells.
  const depth = useRef(0)
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files')
  const leave = (): void => {
    depth.current = 0
    setIsOver(false)
  }
  const handlers = onFiles && {
    onDragEnter: (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      depth.current += 1
      setIsOver(true)
    },
    onDragOver: (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault()
    },
    onDragLeave: () => {
      depth.current -= 1
      if (depth.current <= 0) leave()
    },
    onDrop: (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      leave()
      const files = [...event.dataTransfer.files]
      if (files.length > 0) onFiles(files)
    },
  }
  return { isOver, handlers }
}

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
        accept={accepted}
        onChange={(event) => {
          const files = [...(event.target.files ?? [])]
          event.target.value = ''
          if (files.length > 0) onFiles(files)
        }}
      />
    ),
  }
}

/** A place to drop files on, with a button for those who would rather choose. */
export function DropZone({ onFiles, children }: { onFiles: (files: File[]) => void; children?: ReactNode }) {
  const { isOver, handlers } = useFileDrop(onFiles)
  const picker = useFilePicker(onFiles)
  return (
    <div className={joined('drop-zone', isOver && 'drop-zone-over')} {...handlers}>
      <Upload size={24} strokeWidth={1.5} aria-hidden />
      <p>
        <strong>Drop files here</strong>
        <span className="soft small">{acceptedInWords}</span>
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
export function DropVeil({ text }: { text: string }) {
  return (
    <div className="drop-veil" aria-hidden>
      <Upload size={28} strokeWidth={1.5} />
      {text}
    </div>
  )
}
