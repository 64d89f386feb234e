import { forEach, type LeakRequests, newWord } from './requests.ts'
import { type StoredCanaries, users } from './store-canaries.ts'

/** Compares searches for hidden words with those for words that do not exist. */
export async function probeSearches(requests: LeakRequests, { open }: StoredCanaries): Promise<void> {
  const { tokens, leaks, counts, hiddenFrom, send } = requests
  // A search for a hidden word has the same result as one for a word that does not exist.
  const searches = [
    ...['/conversations', '/memories', `/avees/${open}/documents`].map(
      (path) => (caller: string, word: string) => send(caller, 'GET', `${path}?query=${word}`),
    ),
    (caller: string, word: string) =>
      send(caller, 'POST', '/api/documents/search-text', { search_text: word }),
  ]
  const ofUser = new RegExp(` of (?:${users.join('|')})$`)
  for (const caller of Object.keys(tokens))
    for (const search of searches) {
      const none = newWord()
      const missing = await search(caller, none)
      if (missing.status >= 400) continue
      const hidden = hiddenFrom(caller)
      // Private data is hidden in the same way for every user, so a word of one of them is enough.
      const places = new Map(hidden.map((each) => [each.place.replace(ofUser, ''), each]))
      await forEach([...places.values()], async ({ word, place }) => {
        const { text } = await search(caller, word)
        counts.probes += 1
        if (text.replaceAll(word, '') !== missing.text.replaceAll(none, ''))
          leaks.add(`${caller} learns of the ${place} by a search: ${text.slice(0, 200)}`)
      })
    }

  // Vectors of hidden and of missing words find different passages, so only results with the words are compared.
  for (const caller of Object.keys(tokens))
    for (const scope of ['conversations', 'memories']) {
      const hidden = hiddenFrom(caller)
      const { status, text } = await send(caller, 'POST', '/search', {
        scope,
        query: hidden.map(({ word }) => word).join(' '),
      })
      if (status >= 400) continue
      counts.probes += hidden.length
      if ((JSON.parse(text) as { results: unknown[] }).results.length > 0)
        leaks.add(`${caller} learns of hidden words by a search of ${scope}: ${text.slice(-200)}`)
    }
}
