import { type ReactNode, useRef } from 'react'

/** Returns a function that opens the file picker and the hidden input that it needs rendered. */
export function useFilePicker(
  { accept, label, multiple = false }: { accept: string; label?: string; multiple?: boolean },
  onFiles: (files: [File, ...File[]]) => void,
): { open: () => void; input: ReactNode } {
  const input = useRef<HTMLInputElement>(null)
  return {
    open: () => input.current?.click(),
    input: (
      <input
        ref={input}
        type="file"
        multiple={multiple}
        hidden
        accept={accept}
        aria-label={label}
        onChange={(event) => {
          const [first, ...others] = event.target.files ?? []
          event.target.value = ''
          if (first) onFiles([first, ...others])
        }}
      />
    ),
  }
}
