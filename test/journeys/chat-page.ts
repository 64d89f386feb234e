import type { Page } from 'playwright-core'

/** Page object of a conversation. It finds elements by their accessible names. */
export const chatPage = (page: Page) => ({
  input: page.getByRole('textbox', { name: /^Ask / }),
  stop: page.getByRole('button', { name: 'Stop answer' }),
  questions: page.getByRole('article', { name: 'Your question' }),
  answers: page.getByRole('article', { name: /^Answer from/ }),
  /** The text of the last answer, without its heading and actions. */
  lastAnswer: page
    .getByRole('article', { name: /^Answer from/ })
    .last()
    .locator('.markdown'),
  async ask(question: string): Promise<void> {
    await this.input.fill(question)
    await this.input.press('Enter')
  },
  /** Waits until the last answer is complete. */
  async waitUntilComplete(): Promise<void> {
    await page.getByText('Answer complete.').waitFor({ state: 'attached' })
  },
})
