import type { Page } from 'playwright-core'

/** The parts of a conversation, by what they are called for everyone. */
export const chatPage = (page: Page) => ({
  box: page.getByRole('textbox', { name: /^Your question to/ }),
  stop: page.getByRole('button', { name: 'Stop the answer' }),
  questions: page.getByRole('article', { name: 'Your question' }),
  answers: page.getByRole('article', { name: /^Answer of/ }),
  /** The words of the last answer, without what stands around them. */
  words: page
    .getByRole('article', { name: /^Answer of/ })
    .last()
    .locator('.markdown'),
  async ask(question: string): Promise<void> {
    await this.box.fill(question)
    await this.box.press('Enter')
  },
  /** Waits until no answer is being written any more. */
  async waitUntilComplete(): Promise<void> {
    await page.getByText('The answer is complete.').waitFor({ state: 'attached' })
  },
})
