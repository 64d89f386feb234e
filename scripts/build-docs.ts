// Writes dist-docs/, the documentation as a static site: node scripts/build-docs.ts
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Marked } from 'marked'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = path.join(root, 'dist-docs')

/** The pages by section, as paths of Markdown files. */
const sections: Record<string, string[]> = {
  Use: [
    'README.md',
    'docs/guide.md',
    'docs/insight.md',
    'docs/tools.md',
    'docs/embed.md',
    'docs/import-export.md',
  ],
  Operate: [
    'docs/operation.md',
    'docs/configuration.md',
    'docs/security.md',
    'docs/privacy.md',
    'docs/benchmarks.md',
    'CHANGELOG.md',
  ],
  Build: [
    'docs/api.md',
    'client/README.md',
    'docs/mcp.md',
    'docs/webhooks.md',
    'docs/architecture.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
  ],
}

type Page = { file: string; title: string; html: string; links: string[]; anchors: Set<string> }

/** The path of a page in the site: docs/api.md → api.html. */
const urlOf = (file: string): string =>
  file === 'README.md' ? 'index.html' : file.replace(/^docs\//, '').replace(/\.md$/, '.html')

/** The anchor of a heading, as on GitHub. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

/** Renders the pages, and the decisions that the architecture links to. Links are paths from the root of the project. */
export async function renderPages(files = Object.values(sections).flat()): Promise<Map<string, Page>> {
  const pages = new Map<string, Page>()
  const queue = [...files]
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    if (pages.has(file)) continue
    const page = render(file, await readFile(path.join(root, file), 'utf8'))
    pages.set(file, page)
    queue.push(
      ...page.links
        .map(fileOf)
        .filter((link) => /^docs\/.+\.md$/.test(link) && existsSync(path.join(root, link))),
    )
  }
  return pages
}

const fileOf = (link: string): string => link.replace(/#.*/, '')

function render(file: string, markdown: string): Page {
  const links: string[] = []
  const anchors = new Set<string>()
  let title = ''
  /** Records a link and returns its address in the site. */
  const resolve = (href: string): string => {
    if (/^[a-z]+:/.test(href)) return href
    const [to = '', anchor] = href.split('#')
    const linked = to === '' ? file : path.join(path.dirname(file), to)
    links.push(anchor === undefined ? linked : `${linked}#${anchor}`)
    const url = linked.endsWith('.md') ? urlOf(linked) : linked.replace(/^docs\//, '')
    return `${path.relative(path.dirname(urlOf(file)), url)}${anchor === undefined ? '' : `#${anchor}`}`
  }
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const text = this.parser.parseInline(tokens)
        const plain = text.replaceAll(/<[^>]+>/g, '').replaceAll(/&\w+;/g, '')
        title ||= plain
        anchors.add(anchorOf(plain))
        return `<h${depth} id="${anchorOf(plain)}">${text}</h${depth}>\n`
      },
      link({ href, tokens }) {
        return `<a href="${resolve(href)}">${this.parser.parseInline(tokens)}</a>`
      },
      image({ href, text }) {
        return `<img src="${resolve(href)}" alt="${text}">`
      },
      table(token) {
        const row = (cells: typeof token.header, tag: string) =>
          `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('')}</tr>`
        const body = token.rows.map((cells) => row(cells, 'td')).join('')
        return `<div class="table"><table><thead>${row(token.header, 'th')}</thead><tbody>${body}</tbody></table></div>`
      },
    },
  })
  const html = marked.parse(markdown, { async: false })
  return { file, title, html, links, anchors }
}

/** Lists the links to files and headings that do not exist, as `page → link`. */
export const brokenLinks = (pages: Map<string, Page>): string[] =>
  [...pages.values()].flatMap(({ file, links }) =>
    links
      .filter((link) => {
        const [to = '', anchor] = link.split('#')
        const page = pages.get(to)
        return !existsSync(path.join(root, to)) || (anchor !== undefined && !page?.anchors.has(anchor))
      })
      .map((link) => `${file} → ${link}`),
  )

const style = `
:root { color-scheme: light dark; --line: light-dark(#e7e3db, #33302c); --accent: light-dark(#0c6b62, #6cc4b6) }
body { margin: 0; font: 1rem/1.65 system-ui, sans-serif; color: light-dark(#1f1d1a, #ece8e1); background: light-dark(#fcfbf9, #181715) }
a { color: var(--accent) }
.page { display: grid; grid-template-columns: 15rem minmax(0, 46rem); gap: 3rem; max-width: 66rem; margin: auto; padding: 2rem 1.25rem 4rem }
nav { font-size: .9375rem }
nav h2 { margin: 1.25rem 0 .25rem; font-size: .8125rem; opacity: .7 }
nav ul { margin: 0; padding: 0; list-style: none }
nav a { display: block; padding: .2rem 0; text-decoration: none }
nav a[aria-current] { font-weight: 600; color: inherit }
h1, h2, h3 { line-height: 1.25 }
main h2 { margin-top: 2.5rem }
img { max-width: 100%; border: 1px solid var(--line); border-radius: .75rem }
code { font: .875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
pre { padding: 1rem; overflow-x: auto; border-radius: .75rem; background: light-dark(#f4f2ee, #131211) }
pre code { overflow-wrap: normal }
.table { overflow-x: auto }
table { border-collapse: collapse; font-size: .9375rem }
th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top }
@media (max-width: 50rem) { .page { grid-template-columns: minmax(0, 1fr); gap: 0 } nav { order: 1; border-top: 1px solid var(--line) } }
`

function toDocument({ file, title, html }: Page, pages: Map<string, Page>): string {
  const base = path.relative(path.dirname(urlOf(file)), '.') || '.'
  const item = (other: string) =>
    `<li><a href="${base}/${urlOf(other)}"${other === file ? ' aria-current="page"' : ''}>${pages.get(other)?.title}</a></li>`
  const navigation = Object.entries(sections)
    .map(([name, files]) => `<h2>${name}</h2><ul>${files.map(item).join('')}</ul>`)
    .join('')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}${title === 'Gabee' ? '' : ' · Gabee'}</title>
<link rel="icon" href="${base}/favicon.svg">
<link rel="stylesheet" href="${base}/style.css">
<div class="page"><nav aria-label="Pages">${navigation}</nav><main>${html}</main></div>
</html>
`
}

if (import.meta.main) {
  const pages = await renderPages()
  const broken = brokenLinks(pages)
  if (broken.length > 0) throw new Error(`Links to nothing:\n${broken.join('\n')}`)
  await rm(target, { recursive: true, force: true })
  for (const page of pages.values()) {
    const output = path.join(target, urlOf(page.file))
    await mkdir(path.dirname(output), { recursive: true })
    await writeFile(output, toDocument(page, pages))
    for (const link of page.links.map(fileOf))
      if (!link.endsWith('.md'))
        await cp(path.join(root, link), path.join(target, link.replace(/^docs\//, '')), { recursive: true })
  }
  await writeFile(path.join(target, 'style.css'), style)
  await cp(path.join(root, 'web/public/favicon.svg'), path.join(target, 'favicon.svg'))
}
