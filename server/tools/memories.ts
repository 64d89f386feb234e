import { z } from 'zod'
import type { Memory } from '../memory/index.ts'
import { builtInTool } from './tool.ts'

const maxRecalledWords = 200

export function memoryTools(memory: Pick<Memory, 'recall' | 'prepareMemory'>) {
  return {
    recall: builtInTool({
      title: 'Recall memories',
      description: 'Returns what you remember about the person you talk with.',
      input: z.object({ query: z.string().trim().min(1).max(1_000) }),
      async run({ query }, { avee, userId, layer, excludesLocalOnly, signal }) {
        const found = await memory.recall({
          aveeId: avee.id,
          userId,
          layer,
          query,
          maxWords: maxRecalledWords,
          remote: excludesLocalOnly,
          signal,
        })
        const summary =
          found.length === 0
            ? 'No memories found.'
            : `${found.length} ${found.length === 1 ? 'memory' : 'memories'} found.`
        return {
          text: [summary, ...found.map(({ content }) => `- ${content}`)].join('\n'),
          summary,
          localOnly: found.some(({ local_only }) => local_only),
          memories: found.map(({ id, type, content }) => ({ id, type, content })),
        }
      },
    }),

    remember: builtInTool({
      title: 'Remember',
      description:
        'Stores a fact about the person you talk with, as one sentence in their language. The person is asked first.',
      input: z.object({ text: z.string().trim().min(1).max(500) }),
      needsApproval: 'always',
      async run({ text }, { avee, userId }) {
        const { store } = await memory.prepareMemory(
          { userId, aveeId: null },
          { avee: avee.id, content: text, type: 'fact', local_only: false },
        )
        return { text: 'Stored.', summary: 'Remembered.', store }
      },
    }),
  }
}
