import { readdirSync } from 'node:fs'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from 'playwright-core'

/**
 * Runs axe in the page, which takes a tenth of the time of the builder, because that opens a window for each call.
 */
declare const axe: {
  run(element: Element | Document, options: object): ReturnType<AxeBuilder['analyze']>
}

const files = readdirSync(new URL('../../web/languages', import.meta.url))
const languages = ['en', ...files.flatMap((file) => /^(\w+)\.json$/.exec(file)?.[1] ?? [])]

/** The rules that a translation can break. */
const translationRules = [
  'aria-command-name',
  'aria-dialog-name',
  'aria-input-field-name',
  'button-name',
  'empty-heading',
  'html-lang-valid',
  'image-alt',
  'label',
  'link-name',
  'select-name',
  'valid-lang',
]

/**
 * Returns the violations that people would notice in the page, or in the last element that matches `selector`: all
 * rules in the current appearance, and contrasts in dark mode and high contrast.
 */
export async function findViolations(page: Page, where: string, selector = 'html'): Promise<string[]> {
  await loadAxe(page)
  return await page.evaluate(
    async ({ where, selector }) => {
      const found: string[] = []
      const check = async (state: string, rules?: string[]) => {
        const { violations } = await axe.run([...document.querySelectorAll(selector)].at(-1) ?? document, {
          resultTypes: ['violations'],
          preload: false,
          ...(rules ? { runOnly: rules } : {}),
        })
        for (const { id, impact, nodes } of violations)
          if (impact !== 'minor')
            found.push(`${where}${state}: ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
      }
      const appearance = document.documentElement.dataset
      await check('')
      appearance['theme'] = 'dark'
      await check(' in dark mode', ['color-contrast'])
      appearance['contrast'] = 'high'
      await check(' in dark mode with high contrast', ['color-contrast'])
      delete appearance['theme']
      delete appearance['contrast']
      return found
    },
    { where, selector },
  )
}

/**
 * Shows the page in each language without reloading it. Returns the accessibility violations in the page, or in the
 * last element that matches `selector`, and texts that do not fit the width of the window.
 */
export async function findTranslationProblems(
  page: Page,
  where: string,
  selector = 'html',
): Promise<string[]> {
  await loadAxe(page)
  return await page.evaluate(
    async ({ where, languages, selector, rules }) => {
      const found: string[] = []
      const root = document.documentElement
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
      const show = async (language: string) => {
        // Simulates another tab.
        localStorage.setItem('language', language)
        dispatchEvent(new StorageEvent('storage', { key: 'language' }))
        while (root.lang !== language || root.dir !== (language === 'ar' ? 'rtl' : 'ltr')) await frame()
        await frame()
      }
      for (const language of languages) {
        await show(language)
        const element = [...document.querySelectorAll(selector)].at(-1) ?? root
        const { violations } = await axe.run(element, {
          resultTypes: ['violations'],
          preload: false,
          runOnly: rules,
        })
        for (const { id, nodes } of violations)
          found.push(
            `${where} in ${language}: ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
          )
        const overflow = Math.max(root.scrollWidth - innerWidth, element.scrollWidth - element.clientWidth)
        if (overflow > 0) found.push(`${where} in ${language} is ${overflow} px too wide`)
      }
      await show('en')
      return found
    },
    { where, languages, selector, rules: translationRules },
  )
}

/** Loads axe into the page, where the builder leaves it. */
async function loadAxe(page: Page): Promise<void> {
  if (await page.evaluate(() => 'axe' in globalThis)) return
  await new AxeBuilder({ page }).setLegacyMode().withRules('html-has-lang').analyze()
}
