import type { Tokens } from 'marked'
import { createContext, Fragment, memo, type ReactNode, useContext, useId, useMemo, useRef } from 'react'
import { t, useLanguage } from '../../languages/index.ts'
import { type Block, extendBlocks, type MarkdownToken } from './blocks.ts'
import { CodeBlock } from './code-block.tsx'
import { Diagram } from './diagram.tsx'
import { safeAddress, splitAtReferences, splitLastWord, unescapeEntities } from './inline.ts'
import './markdown.css'
import { MathFormula } from './math-formula.tsx'

/** The targets of citation numbers. */
export type References = {
  isKnown: (n: number) => boolean
  titleOf: (n: number) => string | undefined
  /** Returns the function that opens the target; without one, the reference is disabled. */
  openerOf: (n: number) => (() => void) | undefined
}

const noReferences: References = {
  isKnown: () => false,
  titleOf: () => undefined,
  openerOf: () => undefined,
}

const ReferencesContext = createContext<References>(noReferences)
/** Returns the id of a footnote, or undefined if the text does not contain it. */
const FootnotesContext = createContext<(label: string) => string | undefined>(() => undefined)

/**
 * Renders Markdown that may still grow; finished blocks are not rerendered. The text cannot load or run anything in the
 * page: images become links, and HTML is shown as text.
 */
export function Markdown({
  text,
  references = noReferences,
}: {
  text: string
  references?: References | undefined
}) {
  const previousBlocks = useRef<Block[]>([])
  const blocks = extendBlocks(previousBlocks.current, text)
  previousBlocks.current = blocks
  const id = useId()
  const labels = blocks.flatMap(({ token }) => (token.type === 'footnote' ? [token.label] : [])).join(' ')
  const idOfFootnote = useMemo(() => {
    const known = labels.split(' ')
    return (label: string) => (known.includes(label) ? `${id}-${label}` : undefined)
  }, [id, labels])
  return (
    <ReferencesContext value={references}>
      <FootnotesContext value={idOfFootnote}>
        <div className="markdown">
          {blocks.map((block, i) =>
            // The index is a stable key: blocks are only appended.
            block.token.type === 'space' ? null : (
              <BlockView key={i} block={block} isLast={i === blocks.length - 1} />
            ),
          )}
        </div>
      </FootnotesContext>
    </ReferencesContext>
  )
}

const BlockView = memo(function BlockView({ block, isLast }: { block: Block; isLast: boolean }) {
  useLanguage()
  return renderBlock(block.token, isLast, 'auto')
})

/** `dir` is set on outer blocks only: the direction of a list or quotation ignores parts that have their own. */
function renderBlock(token: MarkdownToken, isLast = false, dir?: 'auto'): ReactNode {
  switch (token.type) {
    case 'paragraph':
      return <p dir={dir}>{renderInline(token.tokens)}</p>
    case 'heading':
      // All headings have the same level, because models skip levels and the page has higher-level headings.
      return (
        <h3 className={`heading-${token.depth}`} dir={dir}>
          {renderInline(token.tokens)}
        </h3>
      )
    case 'code':
      if (/^mermaid\b/i.test(token.lang ?? '') && isClosed(token)) return <Diagram source={token.text} />
      return <CodeBlock code={token.text} language={token.lang ?? ''} isOpen={isLast && !isClosed(token)} />
    case 'blockquote':
      return <blockquote dir={dir}>{renderBlocks(token.tokens)}</blockquote>
    case 'list':
      return renderList(token, dir)
    case 'table':
      return renderTable(token)
    case 'hr':
      return <hr />
    case 'html':
      return <p>{token.text}</p>
    case 'text':
      return <>{token.tokens ? renderInline(token.tokens) : <Text text={token.text} />}</>
    case 'checkbox':
      return <input type="checkbox" checked={token.checked} readOnly disabled aria-label={t('task')} />
    case 'math':
      return <MathFormula source={token.raw.trim()} tex={token.text} isDisplay />
    case 'footnote':
      return <Footnote label={token.label}>{renderInline(token.tokens)}</Footnote>
    case 'space':
    case 'def':
      return null
    default:
      return renderInline([token])
  }
}

const isClosed = (code: Tokens.Code): boolean =>
  code.codeBlockStyle === 'indented' || /\n\s*(`{3,}|~{3,})\s*$/.test(code.raw)

const renderBlocks = (tokens: readonly unknown[]): ReactNode =>
  (tokens as MarkdownToken[]).map((token, i) => <Fragment key={i}>{renderBlock(token)}</Fragment>)

function renderList(list: Tokens.List, dir: 'auto' | undefined): ReactNode {
  const items = list.items.map((item, i) => (
    <li key={i} className={item.task ? 'task' : undefined}>
      {renderBlocks(item.tokens)}
    </li>
  ))
  return list.ordered ? (
    <ol dir={dir} start={list.start === '' ? 1 : list.start}>
      {items}
    </ol>
  ) : (
    <ul dir={dir}>{items}</ul>
  )
}

function renderTable(table: Tokens.Table): ReactNode {
  const style = (cell: Tokens.TableCell) => (cell.align ? { textAlign: cell.align } : undefined)
  return (
    // Scrollable areas must be focusable.
    <div className="table" tabIndex={0} role="region" aria-label={t('Table')}>
      <table dir="auto">
        <thead>
          <tr>
            {table.header.map((cell, i) => (
              <th key={i} style={style(cell)}>
                {renderInline(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, k) => (
                <td key={k} style={style(cell)}>
                  {renderInline(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function renderInline(tokens: readonly unknown[]): ReactNode {
  return (tokens as MarkdownToken[]).map((token, i) => <Fragment key={i}>{renderSpan(token)}</Fragment>)
}

function renderSpan(token: MarkdownToken): ReactNode {
  switch (token.type) {
    case 'text':
      return token.tokens ? renderInline(token.tokens) : <Text text={unescapeEntities(token.text)} />
    case 'escape':
      return unescapeEntities(token.text)
    case 'strong':
      return <strong>{renderInline(token.tokens)}</strong>
    case 'em':
      return <em>{renderInline(token.tokens)}</em>
    case 'del':
      return <del>{renderInline(token.tokens)}</del>
    case 'codespan':
      return <code>{token.text}</code>
    case 'br':
      return <br />
    case 'link':
      return <OutsideLink href={token.href}>{renderInline(token.tokens)}</OutsideLink>
    case 'image':
      return <OutsideLink href={token.href}>{token.text || 'picture'}</OutsideLink>
    case 'inlineMath':
      return <MathFormula source={token.raw} tex={token.text} isDisplay={token.isDisplay} />
    case 'footnoteReference':
      return <FootnoteReference label={token.label} raw={token.raw} />
    case 'html':
      return token.text
    case 'checkbox':
      return <input type="checkbox" checked={token.checked} readOnly disabled aria-label={t('task')} />
    default:
      return token.raw
  }
}

function Footnote({ label, children }: { label: string; children: ReactNode }) {
  return (
    <p className="footnote" dir="auto" id={useContext(FootnotesContext)(label)}>
      <sup>{label}</sup> {children}
    </p>
  )
}

function FootnoteReference({ label, raw }: { label: string; raw: string }) {
  const id = useContext(FootnotesContext)(label)
  if (!id) return raw
  return (
    <sup>
      <a href={`#${id}`} aria-label={t('Footnote {label}', { label })}>
        {label}
      </a>
    </sup>
  )
}

function OutsideLink({ href, children }: { href: string; children: ReactNode }) {
  const address = safeAddress(unescapeEntities(href))
  if (!address) return <>{children}</>
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow" title={address}>
      {children}
    </a>
  )
}

function Text({ text }: { text: string }) {
  const references = useContext(ReferencesContext)
  if (!text.includes('[')) return text
  const stretches = splitAtReferences(text, references.isKnown)
  return stretches.map((stretch, i) => {
    const next = stretches[i + 1]
    if (stretch.type === 'text') return next ? splitLastWord(stretch.text)[0] : stretch.text
    const previous = stretches[i - 1]
    return (
      <span key={i} className="referenced">
        {previous?.type === 'text' && splitLastWord(previous.text)[1]}
        {stretch.numbers.map((n, k) => (
          <Reference key={k} n={n} {...references} />
        ))}
      </span>
    )
  })
}

function Reference({ n, titleOf, openerOf }: References & { n: number }) {
  const title = titleOf(n)
  const open = openerOf(n)
  return (
    <button
      type="button"
      className="reference"
      disabled={!open}
      title={title}
      aria-label={title ? t('Source {n}: {title}', { n, title }) : t('Source {n}', { n })}
      onClick={open}
    >
      {n}
    </button>
  )
}
