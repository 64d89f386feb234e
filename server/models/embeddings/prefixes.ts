/** Instruction prefixes of embedding models, from their model cards. */
type Prefixes = { query: string; passage: string }

const representPrefix = 'Represent this sentence for searching relevant passages: '

const prefixesByName: [RegExp, Prefixes][] = [
  [/nomic-embed/, { query: 'search_query: ', passage: 'search_document: ' }],
  [/snowflake-arctic-embed2|arctic-embed-[ml]-v2/, { query: 'query: ', passage: '' }],
  [/snowflake-arctic-embed|mxbai-embed/, { query: representPrefix, passage: '' }],
  [/bge-(?:small|base|large)/, { query: representPrefix, passage: '' }],
  [
    /qwen3-embedding|e5-mistral|e5-[a-z-]*instruct/,
    {
      query: 'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ',
      passage: '',
    },
  ],
  [/(?:^|[/_-])e5(?:[-_:]|$)/, { query: 'query: ', passage: 'passage: ' }],
  [/embeddinggemma/, { query: 'task: search result | query: ', passage: 'title: none | text: ' }],
]

/** Adds the instruction prefix of a model. */
export function withPrefix(model: string, text: string, purpose: 'query' | 'passage' | 'none'): string {
  if (purpose === 'none') return text
  const name = model.toLowerCase()
  const prefixes = prefixesByName.find(([pattern]) => pattern.test(name))?.[1]
  return prefixes ? prefixes[purpose] + text : text
}

/** Order of preference if EMBED_MODEL is not set. */
const preferred = [
  'bge-m3',
  'qwen3-embedding',
  'embeddinggemma',
  'snowflake-arctic-embed2',
  'nomic-embed-text',
  'mxbai-embed-large',
  'snowflake-arctic-embed',
  'bge-large',
  'multilingual-e5',
  'bge-small',
  'all-minilm',
]

/** Returns the rank of a model by preference; lower is better. */
export function preferenceRank(model: string): number {
  const rank = preferred.findIndex((name) => model.toLowerCase().includes(name))
  return rank === -1 ? preferred.length : rank
}
