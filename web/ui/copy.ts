import { useEffect, useState } from 'react'

/** Returns a function that copies text, and whether it did so in the last two seconds. */
export function useCopy(): [isCopied: boolean, copy: (text: string) => void] {
  const [copied, setCopied] = useState(0)
  useEffect(() => {
    if (copied === 0) return
    const timer = setTimeout(() => setCopied(0), 2_000)
    return () => clearTimeout(timer)
  }, [copied])
  return [copied > 0, (text) => void copyText(text).then((done) => done && setCopied((n) => n + 1))]
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text)
  }
}

/** A fallback for pages on plain HTTP, which have no clipboard API. */
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.style.position = 'fixed'
  area.style.opacity = '0'
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}
