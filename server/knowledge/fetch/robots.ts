/** The rules of a robots.txt for one user agent (RFC 9309). */
export type Robots = {
  isAllowed(url: URL): boolean
  delayMs: number
  sitemaps: string[]
}

type Rule = { allows: boolean; pattern: string }
type Group = { agents: string[]; rules: Rule[]; delayMs: number }

/** Maximum crawl delay. */
const maxDelayMs = 10_000

export const allowAll: Robots = { isAllowed: () => true, delayMs: 0, sitemaps: [] }

/** Parses a robots.txt. The groups for `agent` apply, or if there are none, the groups for all agents. */
export function parseRobots(text: string, agent: string): Robots {
  const groups: Group[] = []
  const sitemaps: string[] = []
  let inAgentLines = false
  for (const line of text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/)) {
    const [content = ''] = line.split('#', 1)
    const colon = content.indexOf(':')
    const name = content.slice(0, Math.max(0, colon)).trim().toLowerCase()
    const value = content.slice(colon + 1).trim()
    if (name === 'user-agent') {
      if (!inAgentLines) groups.push({ agents: [], rules: [], delayMs: 0 })
      groups.at(-1)?.agents.push(value.toLowerCase())
      inAgentLines = true
      continue
    }
    if (name === 'sitemap') {
      sitemaps.push(value)
      continue
    }
    if (name === '') continue
    inAgentLines = false
    const group = groups.at(-1)
    // An empty rule has no effect.
    if ((name === 'allow' || name === 'disallow') && value !== '')
      group?.rules.push({ allows: name === 'allow', pattern: value })
    if (name === 'crawl-delay' && group && Number(value) > 0)
      group.delayMs = Math.min(maxDelayMs, Number(value) * 1000)
  }
  const groupsFor = (name: string) => groups.filter(({ agents }) => agents.includes(name))
  const own = groupsFor(agent.toLowerCase())
  const applying = own.length > 0 ? own : groupsFor('*')
  const rules = applying.flatMap((group) => group.rules)
  return {
    isAllowed: ({ pathname, search }) => matchRules(rules, pathname + search),
    delayMs: Math.max(0, ...applying.map(({ delayMs }) => delayMs)),
    sitemaps,
  }
}

/** Applies the longest matching pattern; of two with equal length, the one that allows (RFC 9309, section 2.2.2). */
function matchRules(rules: Rule[], path: string): boolean {
  let winner: Rule | undefined
  for (const rule of rules) {
    const length = rule.pattern.length
    if (length < (winner?.pattern.length ?? 0) || !matchesPattern(rule.pattern, path)) continue
    if (length > (winner?.pattern.length ?? 0) || rule.allows) winner = rule
  }
  return winner?.allows ?? true
}

/** Matches a path prefix; `*` matches anything and a final `$` the end. Does not build a regular expression, because a
 * site could craft one with catastrophic backtracking. */
function matchesPattern(pattern: string, path: string): boolean {
  const isAnchored = pattern.endsWith('$')
  const [first = '', ...others] = (isAnchored ? pattern.slice(0, -1) : pattern).split('*')
  if (!path.startsWith(first)) return false
  const last = isAnchored ? others.pop() : undefined
  let at = first.length
  for (const piece of others) {
    const found = path.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  if (!isAnchored) return true
  return last === undefined ? at === path.length : path.length - last.length >= at && path.endsWith(last)
}
