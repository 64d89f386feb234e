import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { getPageWords } from '../../contract/knowledge.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { lineBoxes } from './pdf/line-boxes.ts'
import { locatePassage } from './pdf/locate-passage.ts'
import type { PassageBoxes } from './pdf/worker-messages.ts'
import { supportingTexts } from './supporting-sentences.ts'

/** The width of a printed page divided by its height; only affects the width of gaps that separate columns. */
const aspectRatio = 0.7

/** Finds a passage among the recognized words of a scanned page. Finds nothing for a null passage. */
export function useRecognizedBoxes(
  documentId: string,
  page: number,
  passage: string | null,
  claim: string | undefined,
): { boxes: PassageBoxes | null; isPending: boolean } {
  const api = useApi()
  const { data, isLoading } = useQuery({
    queryKey: keys.pageWords(documentId, page),
    queryFn: () => api.call(getPageWords, { params: { id: documentId, page } }),
    enabled: passage !== null,
    staleTime: 60_000,
  })
  const boxes = useMemo(() => {
    if (!data || passage === null) return null
    const characters = data.words.flatMap((word) => [...word.text].map((character) => ({ character, word })))
    const text = characters.map(({ character }) => character)
    const boxesOf = (part: string) =>
      lineBoxes(locatePassage(text, part) ?? [], (index) => characters[index]?.word, aspectRatio)
    const all = boxesOf(passage)
    return all.length === 0 ? null : { all, emphasized: supportingTexts(passage, claim).flatMap(boxesOf) }
  }, [data, passage, claim])
  return { boxes, isPending: isLoading }
}
