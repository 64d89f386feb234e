/** What a model wants before a text, by what the text is for; from the models' own cards. */
type Prefixes = { query: string; passage: string }

const represent = 'Represent this sentence for searching relevant passages: '

const known: [RegExp, Prefixes][] = [
  [/nomic-embed/, { query: 'search_query: ', passage: 'search_document: ' }],
  [/snowflake-arctic-embed2|arctic-embed-[ml]-v2/, { query: 'query: ', passage: '' }],
  [/snowflake-arctic-embed|mxbai-embed/, { query: represent, passage: '' }],
  [/bge-(?:small|base|large)/, { query: represent, passage: '' }],
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

/** Puts before a text what the model was trained to see there. */
export function withPrefix(model: string, text: string, purpose: 'query' | 'passage'): string {
  const name = model.toLowerCase()
  const prefixes = known.find(([pattern]) => pattern.test(name))?.[1]
  return prefixes ? prefixes[purpose] + text : text
}

/** Embedding models in the order in which one is taken when none is named. */
const preferred = [
  'bge-m3',
  'qwen3-embedding',
  'embeddinggemma',
  'snowflake-arctic-embed2',
  'nomic-embed-text',
  'mxbai-embed-large',
  'snowflake-arctic-embed',
  'bge-large',
  'all-minilm',
]

/** A model's place among the embedding models; smaller is better. */
export function preferenceRank(model: string): number {
  const place = preferred.findIndex((name) => model.toLowerCase().includes(name))
  return place === -1 ? preferred.length : place
}
