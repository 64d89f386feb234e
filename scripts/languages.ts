import { IntlMessageFormat } from 'intl-messageformat'
import ts from 'typescript'

/** Translations by English sentence, for each language. */
export type Catalogs = Record<string, Record<string, string>>

type Usage = { place: string; values: string[] | undefined }

const textAttributes = /^(?:aria-label|alt|altText|action|hint|intro|label|placeholder|text|title)$/
/** Declarations that do not follow the direction of the text. */
const physicalDeclaration =
  /(?:(?:margin|padding|border)-(?:left|right)\b|\btext-align: (?:left|right)|\bfloat:|(?<![\w-])(?:left|right): (?!50%)).*/g
/** Elements whose text is not a sentence. */
const codeElements = /^(?:code|kbd)$/
const properNames = new Set(['Gabee'])

/**
 * Returns the problems of the page's sentences and their translations: texts without a translation call, calls before
 * the language is known, values that a sentence does not use, and in every language missing, unused or empty sentences
 * and different placeholders or plural forms.
 */
export function problemsOf(sources: [file: string, content: string][], catalogs: Catalogs): string[] {
  const problems: string[] = []
  const usages = new Map<string, Usage[]>()
  for (const [file, content] of sources) readSource(file, content, usages, problems)

  for (const [sentence, places] of usages) {
    const expected = argumentsOf(sentence, 'en', problems)
    for (const { place, values } of places)
      if (values && !isSame(values, expected.names))
        problems.push(`${place}: “${sentence}” needs the values ${expected.names.join(', ') || 'none'}.`)
    const missing = Object.keys(catalogs).filter((language) => !catalogs[language]?.[sentence]?.trim())
    if (missing.length > 0)
      problems.push(`${places[0]?.place}: “${sentence}” has no translation in ${missing.join(', ')}.`)
    for (const [language, catalog] of Object.entries(catalogs)) {
      const translation = catalog[sentence]
      if (!translation?.trim()) continue
      const actual = argumentsOf(translation, language, problems)
      if (!isSame(actual.names, expected.names))
        problems.push(`${language}: “${translation}” does not have the placeholders of “${sentence}”.`)
      for (const forms of actual.plurals)
        if (!isSame(forms, pluralForms(language)))
          problems.push(
            `${language}: “${translation}” needs the plural forms ${pluralForms(language).join(', ')}.`,
          )
    }
  }
  for (const [language, catalog] of Object.entries(catalogs))
    for (const sentence of Object.keys(catalog))
      if (!usages.has(sentence)) problems.push(`${language}: “${sentence}” is not used.`)
  return problems
}

/** Returns the declarations of a style sheet that do not follow the text direction. */
export function directionProblems(file: string, content: string): string[] {
  return [...content.matchAll(physicalDeclaration)].map(
    ([declaration]) =>
      `${file}: use a logical property such as margin-inline-start instead of “${declaration}”.`,
  )
}

function readSource(file: string, content: string, usages: Map<string, Usage[]>, problems: string[]): void {
  const source = ts.createSourceFile(file, content, ts.ScriptTarget.Latest, true)
  const placeOf = (node: ts.Node): string =>
    `${file}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(?:message|rich|t)$/.test(node.expression.getText(source))) {
      const [sentence, values] = node.arguments
      for (const literal of sentence ? literalsOf(sentence) : [])
        usages.set(literal, [
          ...(usages.get(literal) ?? []),
          {
            place: placeOf(node),
            values: node.expression.getText(source) === 'message' ? undefined : namesOf(values),
          },
        ])
      if (node.expression.getText(source) !== 'message' && !isInFunction(node))
        problems.push(
          `${placeOf(node)}: the language is not known yet. Use message() here and t() where it is shown.`,
        )
    }
    const text = untranslatedText(node)
    if (text && /\p{L}{2}/u.test(text) && !properNames.has(text.trim()))
      problems.push(`${placeOf(node)}: translate “${text.trim()}” with t().`)
    ts.forEachChild(node, visit)
  }
  visit(source)
}

/** Returns the text of an element, or of an attribute that users read. */
function untranslatedText(node: ts.Node): string | undefined {
  if (ts.isJsxText(node)) {
    const { parent } = node
    return ts.isJsxElement(parent) && codeElements.test(parent.openingElement.tagName.getText())
      ? undefined
      : node.text
  }
  if (!ts.isJsxAttribute(node) || !textAttributes.test(node.name.getText())) return undefined
  const value = node.initializer
  return value && ts.isStringLiteral(value) && !/^https?:|:\d/.test(value.text) ? value.text : undefined
}

function literalsOf(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text]
  return ts.isConditionalExpression(node) ? [...literalsOf(node.whenTrue), ...literalsOf(node.whenFalse)] : []
}

/** Returns the names of the values of a call; undefined if they are not literal. */
function namesOf(values: ts.Expression | undefined): string[] | undefined {
  if (!values) return []
  if (!ts.isObjectLiteralExpression(values)) return undefined
  const names = values.properties.map((property) => property.name?.getText())
  return names.includes(undefined) ? undefined : (names as string[])
}

function isInFunction(node: ts.Node): boolean {
  for (let ancestor = node.parent; ancestor; ancestor = ancestor.parent)
    if (ts.isFunctionLike(ancestor)) return true
  return false
}

type Element = ReturnType<IntlMessageFormat['getAst']>[number]

/** Returns the placeholders and elements of a sentence and the forms of each of its plurals. */
function argumentsOf(sentence: string, language: string, problems: string[]) {
  const names = new Set<string>()
  const plurals: string[][] = []
  const visit = (element: Element): void => {
    if ('value' in element && element.type !== 0) names.add(element.value)
    if ('children' in element) element.children.forEach(visit)
    if (!('options' in element)) return
    if ('pluralType' in element)
      plurals.push(Object.keys(element.options).filter((form) => !form.startsWith('=')))
    for (const { value } of Object.values(element.options)) value.forEach(visit)
  }
  try {
    new IntlMessageFormat(sentence, language).getAst().forEach(visit)
  } catch (error) {
    problems.push(`${language}: “${sentence}” cannot be read: ${String(error)}`)
  }
  return { names: [...names], plurals }
}

/** Returns the plural forms that a language uses for whole numbers. */
function pluralForms(language: string): string[] {
  const rules = new Intl.PluralRules(language)
  return [...new Set(Array.from({ length: 201 }, (_, n) => rules.select(n)))]
}

const isSame = (some: string[], others: string[]): boolean =>
  some.length === others.length && some.every((one) => others.includes(one))
