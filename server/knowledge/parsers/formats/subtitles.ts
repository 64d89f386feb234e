import type { ParsedPage } from '../document.ts'
import { decodeText } from '../encoding.ts'
import { corrupt } from '../errors.ts'
import { collapseWhitespace } from '../page-builder.ts'
import type { Parser } from '../parser.ts'

const cueTimes = /^\s*(?:(\d{1,3}):)?(\d{2}):(\d{2})[.,]\d{3}\s+-->/
/** The speaker of a WebVTT cue: `<v Ada>`. */
const voice = /<v(?:\.[\w-]+)*\s+([^<>\s][^<>]*)>/g
/** Markup, and the positions that SubRip takes from SubStation. */
const markup = /<[^<>]*>|\{\\[^{}]*\}/g
const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&nbsp;': ' ' }
const sentenceEnd = /[.!?…。！？]["'”’»]?$/
/** Without the end of a sentence, as in transcripts without punctuation, a page ends after two minutes. */
const maxPageSeconds = 120

/**
 * Parses subtitles (SubRip and WebVTT) without markup. A page has about a minute, up to the end of a sentence: page n
 * begins in the nth minute, and its heading is the time code of its first cue.
 */
export const parseSubtitles: Parser = async ({ bytes, textBudget }) => {
  const pages: ParsedPage[] = []
  let startSeconds = 0
  let isInCue = false
  let last = ''
  for (const line of decodeText(await bytes()).split('\n')) {
    const [match, hours = '0', minutes = '0', seconds = '0'] = cueTimes.exec(line) ?? []
    if (match !== undefined) {
      const time = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)
      const minute = Math.floor(time / 60) + 1
      const page = pages.at(-1)
      const isSentenceOpen = !sentenceEnd.test(last) && time - startSeconds < maxPageSeconds
      if (!page || (minute > page.page && !isSentenceOpen)) {
        pages.push({ page: minute, text: '', headings: [{ start: 0, level: 1, text: timeCode(time) }] })
        startSeconds = time
      }
      isInCue = true
    } else if (line.trim() === '') isInCue = false
    else if (isInCue) write(line)
  }
  if (pages.length === 0) throw corrupt('it has no time codes')
  return { title: null, paged: true, pages }

  function write(line: string) {
    const text = collapseWhitespace(
      line
        .replace(voice, '$1: ')
        .replace(markup, '')
        .replace(/&(?:amp|lt|gt|nbsp);/g, (entity) => entities[entity] ?? ''),
    )
    const page = pages.at(-1)
    // Rolling captions repeat the line above.
    if (!page || text === '' || text === last) return
    textBudget.take(text.length + 1)
    page.text += page.text === '' ? text : `\n${text}`
    last = text
  }
}

const timeCode = (seconds: number) =>
  [seconds / 3_600, (seconds / 60) % 60, seconds % 60]
    .map((part) => String(Math.floor(part)).padStart(2, '0'))
    .join(':')
