/** Languages with phrases, stop words and question words. */
export type Language = 'en' | 'de' | 'fr' | 'es' | 'it' | 'pt' | 'zh' | 'ja'

/** Function words, for language detection and as stop words. */
const functionWords = {
  en: 'the a an of to in on at by for with from as and or but if then than that this these those it its is are was were be been being am do does did has have had will would can could should may might must not no so such what which who whom whose when where why how many much i you he she we they me my your his her our their there here about into over under between after before during also any all some tell say says said please give',
  de: 'der die das den dem des ein eine einer eines einem einen und oder aber wenn dann als dass daß dies diese dieser dieses jene es ist sind war waren wird werden wurde wurden sein hat haben hatte kann können soll muss nicht kein keine so was wer wen wem wessen wann wo warum wieso weshalb wie viel viele welche welcher welches welchem welchen ich du er sie wir ihr mich mir mein dein unser zu zum zur von vom im in am an auf aus bei mit nach vor über unter zwischen für durch gegen ohne um auch noch nur man sich bitte sag sagt gibt es',
  fr: "le la les l' un une des du de d' et ou mais si que qu' qui quoi dont où quand comment pourquoi combien quel quelle quels quelles ce cet cette ces c' il elle ils elles on nous vous je tu me te se s' mon ton son sa ses leur leurs notre votre est sont était étaient être été a ont avait avoir ne n' pas plus à au aux en dans par pour sur sous avec sans entre vers chez y aussi très peut faut est-ce",
  es: 'el la los las un una unos unas de del y o u pero si que qué quien quién quienes cual cuál cuáles cuando cuándo donde dónde como cómo cuanto cuánto cuántos cuántas cuánta por porque para con sin sobre entre hasta desde en a al es son era eran fue fueron ser está están ha han había haber no se su sus mi tu nuestro este esta estos estas ese esa eso esto lo le les me te nos yo él ella ellos usted hay más muy también',
  it: "il lo la i gli le un uno una di del dello della dei degli delle a al allo alla ai agli alle da dal dalla in nel nello nella nei nelle con su sul sulla per tra fra e o ma se che chi cosa cui quale quali quando dove come perché quanto quanta quanti quante è sono era erano essere stato ha hanno aveva avere non si ci ne mi ti mio tuo suo sua suoi nostro loro questo questa questi queste quello quella io tu lui lei noi voi anche più molto c'è l' d' dell' all' nell' un'",
  pt: 'o a os as um uma uns umas de do da dos das e ou mas se que quê quem qual quais quando onde como porque porquê por quanto quanta quantos quantas para com sem sobre entre até desde em no na nos nas ao aos à às é são era eram foi foram ser está estão há tem têm tinha ter não seu sua seus suas meu teu nosso este esta isto esse essa isso aquele aquela ele ela eles elas eu tu nós você lhe me te mais muito também pelo pela',
} as const satisfies Partial<Record<Language, string>>

const sets = Object.fromEntries(
  Object.entries(functionWords).map(([language, words]) => [
    language,
    new Set(words.replaceAll("'", '').split(' ')),
  ]),
) as Record<keyof typeof functionWords, Set<string>>

const word = /[\p{L}\p{M}]+/gu

/** Detects the language of a text by its scripts and function words; undefined for other languages. */
export function detectLanguage(text: string): Language | undefined {
  if (/[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text)) return 'ja'
  if ((text.match(/\p{Script=Han}/gu)?.length ?? 0) * 3 > text.length) return 'zh'
  const words = (text.slice(0, 4_000).toLowerCase().match(word) ?? []).slice(0, 400)
  let best: keyof typeof sets | undefined
  let maxVotes = 0
  for (const language of Object.keys(sets) as (keyof typeof sets)[]) {
    // A word that several languages share ("in", "a") has less weight.
    const votes = words.reduce(
      (sum, term) => sum + (sets[language].has(term) ? 1 / countLanguages(term) : 0),
      0,
    )
    if (votes > maxVotes) {
      maxVotes = votes
      best = language
    }
  }
  return best
}

const countLanguages = (term: string) => Object.values(sets).filter((set) => set.has(term)).length

const cjkFunctionWords = new Set(
  (
    '什么 甚么 哪里 哪儿 哪个 哪些 哪一 多少 怎么 怎样 如何 为何 为什 何时 是谁 谁是 几个 请问 是什 么是 的是 是多 了多 是哪 有多 有哪 有什 在哪 ' +
    'です ます した でし すか ます ました どこ いつ だれ なに 何で 何が 何を は何 何の 誰が どの いく くつ とは はど のは には では からまで について どう なぜ ですか'
  ).split(' '),
)

export const isFunctionWord = (term: string, language: Language | undefined): boolean =>
  cjkFunctionWords.has(term) ||
  (language !== undefined && language !== 'zh' && language !== 'ja' && sets[language].has(term))

/** The type of answer that a question word asks for. */
export type AnswerType = 'who' | 'when' | 'number' | 'where' | undefined

const answerTypes: [Exclude<AnswerType, undefined>, RegExp][] = [
  [
    'number',
    /\bhow (?:many|much|long|old|far|high|tall|large|big|often)\b|\bwhat (?:percent\w*|share|number|amount|price|cost)\b|\bwie ?(?:viele?n?|lange|alt|weit|hoch|groß|oft|teuer)\b|\bcombien\b|\bcu[aá]nt[oa]s?\b|\bquant[oaie]\b|\bquant[oa]s\b|多少|几个|幾|いくつ|いくら|何人|何個|何年間|何パーセント/iu,
  ],
  [
    'when',
    /\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|time)\b|\bwann\b|\bwelche[mns]? (?:jahr|datum|tag|monat|jahrhundert)\w*|\bquand\b|\bquelle (?:année|date)\b|\bcu[aá]ndo\b|\bqu[eé] (?:año|fecha)\b|\bquando\b|\b(?:che|quale) (?:anno|data)\b|\bque ano\b|何时|什么时候|哪一?年|哪天|いつ|何年|何月|何日/iu,
  ],
  [
    'who',
    /\bwho(?:m|se)?\b|\bwe[rnm]\b|\bwessen\b|\bqui\b|\bqui[eé]n(?:es)?\b|\bchi\b|\bquem\b|谁|誰|だれ|何者|哪位/iu,
  ],
  ['where', /\bwhere\b|\bwo(?:her|hin)?\b|\boù\b|\bd[oó]nde\b|\bdove\b|\bonde\b|哪里|哪儿|何处|どこ/iu],
]

export const detectAnswerType = (question: string): AnswerType =>
  answerTypes.find(([, pattern]) => pattern.test(question))?.[0]
