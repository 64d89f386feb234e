import katex from 'katex'
import 'katex/dist/katex.min.css'

/** Returns TeX as HTML, or undefined if it is invalid. */
export function renderMath(tex: string, isDisplay: boolean): string | undefined {
  try {
    return katex.renderToString(tex, { displayMode: isDisplay, strict: 'ignore', maxSize: 20 })
  } catch {
    return undefined
  }
}
