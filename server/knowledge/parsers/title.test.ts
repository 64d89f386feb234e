import { expect, test } from 'vitest'
import { titleFor } from './title.ts'

const titled = (title: string | null, heading?: string) =>
  titleFor({
    title,
    paged: true,
    pages: [
      { page: 1, text: 'x', headings: heading === undefined ? [] : [{ start: 0, level: 1, text: heading }] },
    ],
  })

test('takes the title property unless it is generated or an abbreviation', () => {
  expect(titled('Annual report 2022', 'Contents')).toBe('Annual report 2022')
  expect(titled('年報', 'Contents')).toBe('年報')
  expect(titled('UG', 'Getting started')).toBe('Getting started')
  expect(titled('Microsoft Word - draft.doc', 'Getting started')).toBe('Getting started')
  expect(titled('untitled')).toBeNull()
})
