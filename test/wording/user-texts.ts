import { readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/** A text from the sources that a user may read. Expressions in it are replaced by `…`. */
export type UserText = { file: string; line: number; text: string }

/** Attributes and properties whose values are identifiers rather than texts. */
const codeNames = new Set([
  'autoCapitalize',
  'autoComplete',
  'className',
  'code',
  'href',
  'id',
  'inputMode',
  'kind',
  'name',
  'path',
  'phase',
  'queryKey',
  'rel',
  'src',
  'target',
  'type',
  'value',
])
/** Properties of contracts and errors whose values users read. */
const messageNames = new Set(['description', 'hint', 'message', 'reason', 'summary', 'title'])

/**
 * Returns the texts for users in a source file: JSX texts and string literals in the page, otherwise the messages in
 * `errors.ts` files, in the arguments of errors and `defineError`, and in descriptions.
 */
export function readUserTexts(root: string, file: string): UserText[] {
  const content = readFileSync(path.join(root, file), 'utf8')
  const kind = file.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS
  const source = ts.createSourceFile(file, content, ts.ScriptTarget.Latest, true, kind)
  const hasOnlyUserTexts = /^web\/|^contract\/|\/errors\.ts$/.test(file)
  const texts: UserText[] = []

  const visit = (node: ts.Node): void => {
    const text = textOf(node)
    if (text === undefined) {
      ts.forEachChild(node, visit)
      return
    }
    const isUserText = !isCode(node) && (hasOnlyUserTexts || isMessage(node))
    if (isUserText && /\p{L}/u.test(text)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
      texts.push({ file, line: line + 1, text: text.replaceAll(/\s+/g, ' ').trim() })
    }
    if (ts.isTemplateExpression(node)) for (const span of node.templateSpans) visit(span.expression)
  }
  visit(source)
  return texts
}

/** Returns the text of a literal or of literals joined with `+`. */
function textOf(node: ts.Node): string | undefined {
  if (ts.isJsxText(node)) return node.text
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('')
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [textOf(node.left), textOf(node.right)]
    if (left !== undefined && right !== undefined) return left + right
  }
  return undefined
}

function isCode(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || ts.isLiteralTypeNode(parent))
    return true
  if (ts.isElementAccessExpression(parent) || ts.isCaseClause(parent)) return true
  if (ts.isCallExpression(parent) && parent.expression.kind === ts.SyntaxKind.ImportKeyword) return true
  return codeNames.has(attributeOrProperty(node) ?? '')
}

/** Whether a text is the argument of an error or the value of a description. */
function isMessage(node: ts.Node): boolean {
  const name = attributeOrProperty(node)
  if (name !== undefined && messageNames.has(name)) return true
  for (let ancestor = node.parent; ancestor; ancestor = ancestor.parent) {
    if (ts.isNewExpression(ancestor)) return ancestor.expression.getText().endsWith('Error')
    if (ts.isCallExpression(ancestor) && /^(?:defineError|.*\.describe)$/.test(ancestor.expression.getText()))
      return true
    if (ts.isBlock(ancestor) || ts.isSourceFile(ancestor)) return false
  }
  return false
}

/** Returns the name of the JSX attribute or object property whose value is this node. */
function attributeOrProperty(node: ts.Node): string | undefined {
  const parent = ts.isJsxExpression(node.parent) ? node.parent.parent : node.parent
  return ts.isJsxAttribute(parent) || ts.isPropertyAssignment(parent) ? parent.name.getText() : undefined
}
