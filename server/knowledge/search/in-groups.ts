/** Divides documents into groups of about `maxPassages` passages; a larger document is a separate group. */
export function inGroups<Document extends { passages: number }>(
  documents: Document[],
  maxPassages: number,
): Document[][] {
  const groups: Document[][] = []
  let passages = maxPassages
  for (const each of documents) {
    if (passages >= maxPassages) {
      groups.push([])
      passages = 0
    }
    groups.at(-1)?.push(each)
    passages += each.passages
  }
  return groups
}
