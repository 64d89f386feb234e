import { LRUCache } from 'lru-cache'

/** Statements that are used this often are prepared: parsing and planning take most of the time of a short one. */
const minUses = 5
/** Limits the memory of a connection. */
const maxPrepared = 200
const maxCounted = 1_000
/**
 * Operators of searches. On a server the best plan of a search depends on its parameters, so it plans each time. In the
 * embedded database, planning takes as long as a fifth of a search.
 */
const searchOperators = /<=>|<#>|&&/

/** Returns a function that returns the name under which a statement is to be prepared; undefined for a rare one. */
export function createStatementNames({
  preparesSearches,
}: {
  preparesSearches: boolean
}): (text: string) => string | undefined {
  const names = new Map<string, string>()
  const uses = new LRUCache<string, number>({ max: maxCounted })
  return (text) => {
    const name = names.get(text)
    if (name !== undefined || names.size >= maxPrepared) return name
    if (!preparesSearches && searchOperators.test(text)) return undefined
    const count = (uses.get(text) ?? 0) + 1
    uses.set(text, count)
    if (count === minUses) names.set(text, `statement_${names.size + 1}`)
    return names.get(text)
  }
}
