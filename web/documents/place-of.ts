const units: Record<string, string> = {
  pptx: 'Slide',
  ppt: 'Slide',
  odp: 'Slide',
  xlsx: 'Sheet',
  xls: 'Sheet',
  ods: 'Sheet',
  mbox: 'Message',
  ipynb: 'Cell',
}

/** Returns the place of a passage in the unit of its format: `Page 3`, `Slide 3`, or the time code of subtitles. */
export function placeOf({ filename, page }: { filename: string | null; page: number }): string {
  const extension = filename?.split('.').at(-1)?.toLowerCase() ?? ''
  // Page n of subtitles begins in the nth minute.
  if (extension === 'srt' || extension === 'vtt')
    return `${Math.floor((page - 1) / 60)}:${String((page - 1) % 60).padStart(2, '0')}:00`
  return `${units[extension] ?? 'Page'} ${page}`
}
