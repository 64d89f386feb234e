import { type Message, message, t } from '../languages/index.ts'

const units: Record<string, Message> = {
  pptx: message('Slide {n}'),
  ppt: message('Slide {n}'),
  odp: message('Slide {n}'),
  xlsx: message('Sheet {n}'),
  xls: message('Sheet {n}'),
  ods: message('Sheet {n}'),
  mbox: message('Message {n}'),
  ipynb: message('Cell {n}'),
}

/** Returns the place of a passage in the unit of its format: `Page 3`, `Slide 3`, or the time code of subtitles. */
export function placeOf({ filename, page }: { filename: string | null; page: number }): string {
  const extension = filename?.split('.').at(-1)?.toLowerCase() ?? ''
  // Page n of subtitles begins in minute n.
  if (extension === 'srt' || extension === 'vtt')
    return `${Math.floor((page - 1) / 60)}:${String((page - 1) % 60).padStart(2, '0')}:00`
  return t(units[extension] ?? message('Page {n}'), { n: page })
}
