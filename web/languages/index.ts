/** The languages of the page: English sentences in the code are the keys of the files of the other languages. */

import { IntlMessageFormat } from 'intl-messageformat'
import { createElement, Fragment, type ReactNode, useSyncExternalStore } from 'react'
import { loadLocally, saveLocally } from '../ui/local-storage.ts'

/** The languages, each with its own name. */
export const languageNames = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  fr: 'Français',
  pt: 'Português',
  zh: '中文',
  ja: '日本語',
  ar: 'العربية',
} as const

export type Language = keyof typeof languageNames

/** A sentence that is declared with `message` and translated with `t` where it is shown. */
export type Message = { readonly sentence: never }
type Literal<Text extends string> = string extends Text ? never : Text
type Values = Record<string, string | number | null | undefined>
type Tag = (content: ReactNode[]) => ReactNode

const files = import.meta.glob<Record<string, string>>('./*.json', { import: 'default' })

/** The name under which the browser stores the user's choice. */
export const languageChoice = 'language'

let language: Language = 'en'
let wanted: Language = language
let translations: Record<string, string> = {}
let formatters = new Map<string, IntlMessageFormat>()
const listeners = new Set<() => void>()

export const currentLanguage = (): Language => language

/** Returns the language of the page and rerenders when it changes. */
export const useLanguage = (): Language => useSyncExternalStore(subscribe, currentLanguage, currentLanguage)

export const directionOf = (code: Language): 'ltr' | 'rtl' => (code === 'ar' ? 'rtl' : 'ltr')

/** Returns the first of the browser's languages that the page supports. */
export function browserLanguage(tags: readonly string[] = navigator.languages): Language {
  return tags.map((tag) => tag.toLowerCase().split('-')[0] ?? '').find(isLanguage) ?? 'en'
}

export const isLanguage = (code: string | undefined): code is Language =>
  code !== undefined && Object.hasOwn(languageNames, code)

/** Returns the language that the user has chosen in this browser; undefined to follow the browser. */
export function chosenLanguage(): Language | undefined {
  const code = loadLocally(languageChoice)
  return isLanguage(code) ? code : undefined
}

/** Stores the user's choice and shows it. Rejects if the language cannot be loaded. */
export async function chooseLanguage(choice: Language | undefined): Promise<void> {
  await showLanguage(choice ?? browserLanguage())
  saveLocally(languageChoice, choice)
}

/** Loads a language and shows the page in it. If calls overlap, the last one applies. */
export async function showLanguage(next: Language): Promise<void> {
  wanted = next
  const loaded = (await files[`./${next}.json`]?.()) ?? {}
  if (wanted !== next) return
  language = next
  translations = loaded
  formatters = new Map()
  document.documentElement.lang = next
  document.documentElement.dir = directionOf(next)
  for (const listener of listeners) listener()
}

/** Marks a sentence for `t` where the language is not yet known, such as in a module constant. */
export const message = <const Text extends string>(text: Literal<Text>): Message => text as unknown as Message

/**
 * Translates a sentence. Values replace its placeholders in ICU syntax: `{name}`, `{n, number}`,
 * `{count, plural, one {# page} other {# pages}}`.
 */
export function t<const Text extends string>(sentence: Literal<Text> | Message, values?: Values): string {
  const text = sentence as string
  if (!values) return translations[text] ?? text
  return String(formatterOf(text).format(isolateEach(values)))
}

/** Translates a sentence that has elements: `<name>text</name>` is rendered by the value `name`. */
export function rich<const Text extends string>(
  text: Literal<Text>,
  values: Record<string, string | number | ReactNode | Tag>,
): ReactNode {
  const parts = formatterOf(text).format<ReactNode>(values as Record<string, ReactNode>)
  return createElement(Fragment, null, ...(Array.isArray(parts) ? parts : [parts]))
}

/** Prevents a name in another script from changing the order of the words around it. */
export const isolate = (text: string): string =>
  directionOf(language) === 'rtl' ? `\u2068${text}\u2069` : text

const isolateEach = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? isolate(value) : value]),
  )

/** Returns a function that creates a value, such as a formatter, once for each language. */
export function perLanguage<Value>(create: (code: Language) => Value): () => Value {
  let last: { code: Language; value: Value } | undefined
  return () => {
    if (last?.code !== language) last = { code: language, value: create(language) }
    return last.value
  }
}

function formatterOf(text: string): IntlMessageFormat {
  let formatter = formatters.get(text)
  if (!formatter) {
    formatter = new IntlMessageFormat(translations[text] ?? text, language)
    formatters.set(text, formatter)
  }
  return formatter
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed)
  return () => void listeners.delete(changed)
}
