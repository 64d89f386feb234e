/** The rules of a robots.txt for one user agent (RFC 9309). */
export type Robots = {
  mayRead(url: URL): boolean
  /** Crawl delay. */
  delayMs: number
  sitemaps: string[]
}

type Rule = { allows: boolean; pattern: string }
type Group = { agents: string[]; rules: Rule[]; delayMs: number }

/** Maximum crawl delay. */
const longestDelayMs = 10_000

export const allowAll: Robots = { mayRead: () => true, delayMs: 0, sitemaps: [] }

/** Reads a robots.txt. The rules of `agent` hold where the file names it, else those for everybody. */
export function parseRobots(text: string, agent: string): Robots {
  const groups: Group[] = []
  const sitemaps: string[] = []
  let isNaming = false
  for (const line of text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/)) {
    const [, key = '', value = ''] = /^\s*([a-z-]+)\s*:\s*([^#]*?)\s*(?:#.*)?$/i.exec(line) ?? []
    const name = key.toLowerCase()
    if (name === 'user-agent') {
      if (!isNaming) groups.push({ agents: [], rules: [], delayMs: 0 })
      groups.at(-1)?.agents.push(value.toLowerCase())
      isNaming = true
      continue
    }
    if (name === 'sitemap') {
      sitemaps.push(value)
      continue
    }
    if (name === '') continue
    isNaming = false
    const group = groups.at(-1)
    // An empty rule says nothing.
    if ((name === 'allow' || name === 'disallow') && value !== '')
      group?.rules.push({ allows: name === 'allow', pattern: value })
    if (name === 'crawl-delay' && group && Number(value) > 0)
      group.delayMs = Math.min(longestDelayMs, Number(value) * 1000)
  }
  const naming = (wanted: string) => groups.filter(({ agents }) => agents.includes(wanted))
  const own = naming(agent.toLowerCase())
  const holding = own.length > 0 ? own : naming('*')
  const rules = holding.flatMap((group) => group.rules)
  return {
    mayRead: ({ pathname, search }) => allows(rules, pathname + search),
    delayMs: Math.max(0, ...holding.map(({ delayMs }) => delayMs)),
    sitemaps,
  }
}

/** The longest pattern that fits decides; of two equally long ones that which allows. */
function allows(rules: Rule[], path: string): boolean {
  let decides: Rule | undefined
  for (const rule of rules) {
    const length = rule.pattern.length
    if (length < (decides?.pattern.length ?? 0) || !fits(rule.pattern, path)) continue
    if (length > (decides?.pattern.length ?? 0) || rule.allows) decides = rule
  }
  return decides?.allows ?? true
}

/** Patterns begin at the path's beginning; `*` stands for anything, `$` at the end for the end. No expression is built: a site could make one that never ends. */
function fits(pattern: string, path: string): boolean {
  const isWhole = pattern.endsWith('$')
  const [first = '', ...others] = (isWhole ? pattern.slice(0, -1) : pattern).split('*')
  if (!path.startsWith(first)) return false
  const last = isWhole ? others.pop() : undefined
  let at = first.length
  for (const piece of others) {
    const found = path.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  if (!isWhole) return true
  return last === undefined ? at === path.length : path.length - last.length >= at && path.endsWith(last)
}
