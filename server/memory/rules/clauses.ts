import { datesIn } from './dates.ts'

/** A part of a message that can state something by itself, with its place. */
export type Clause = {
  text: string
  start: number
  /** The first of its sentence. */
  opens: boolean
}

/** Stands in the place of what is not the author's own, so that offsets stay. */
const blank = '\uffff'
const blanked = (text: string): string => blank.repeat(text.length)

/** Texts of others: code, quoted lines, links, and quotations longer than a name. */
const foreign: RegExp[] = [
  /```[\s\S]*?(?:```|$)/gu,
  /~~~[\s\S]*?(?:~~~|$)/gu,
  /`[^`\n]+`/gu,
  /^[ \t]*>.*$/gmu,
  /^[ \t]*\|.*$/gmu,
  /\bhttps?:\/\/\S+/giu,
  /<[^>\n]{1,200}>/gu,
  ...[
    '"([^"\\n]+)"',
    '“([^”]+)”',
    '„([^“”]+)[“”]',
    '«([^»]+)»',
    '»([^«]+)«',
    '‹([^›]+)›',
    '「([^」]+)」',
    '『([^』]+)』',
    "(?<=^|[\\s(])['‘]([^'’\\n]{12,})['’](?=$|[\\s,.;:!?)])",
  ].map((source) => new RegExp(source, 'gu')),
]
const longestQuotedName = 3

/** A task with its material: what stands after the colon or on the lines below is not said of oneself. */
const task =
  /^\s*(?:(?:please|can you|could you|would you|kannst du|könntest du|bitte|por favor|puedes|peux-tu|pouvez-vous|s'il te plaît)[ ,]+)*(?:translate|proofread|summari[sz]e|paraphrase|rewrite|rephrase|correct|fix|improve|edit|review|analy[sz]e|classify|explain|grade|check|reply to|respond to|answer this|continue|complete|write|draft|compose|generate|create|make up|tell me a story|(?:let's )?role-?play|pretend|act as|play the|imagine|übersetze?|korrigiere?|fasse|schreibe?|verfasse|verbessere?|stell dir vor|tu so|spiele?|traduce|traducir|corrige|resume|escribe|redacta|mejora|imagina|finge|actúa|traduis|traduisez|corrige[zr]?|résume[zr]?|rédige[zr]?|écri[st]|écrivez|améliore[zr]?|fais comme si|joue|traduci|scrivi|correggi|riassumi|traduza|escreva|corrija)(?![\p{L}])/iu
/** Whoever speaks after this is made up. */
const fiction =
  /^\s*(?:\p{L}+[ ,]+){0,3}(?:(?:pretend|imagine|act as|(?:let's )?role-?play|play the|stell dir vor|tu so|spiele?|finge|imagina|actúa|fais comme si|joue)(?![\p{L}])|(?:write|tell|compose|make up|create|continue|schreibe?|erzähle?|verfasse|escribe|cuenta|écris|raconte)(?![\p{L}]).{0,40}?(?<![\p{L}])(?:story|stories|poem|song|novel|scene|dialogue|script|monologue|tale|play|rap|lyrics|character|geschichte|gedicht|lied|szene|roman|dialog|cuento|historia|poema|canción|escena|histoire|poème|chanson|scène|conte)(?![\p{L}]))/iu
/** From here on somebody else speaks, or nobody does: an e-mail, a lyric, a log. */
const handedOver =
  /^(?:(?:here(?:'s| is| are)|this is|below is|see|hier ist|aquí está|voici)\b[^\n]{0,80}|(?:from|subject|betreff|von|de|asunto|objet)\s?):[ \t]*\n?/imu

const segmenter = new Intl.Segmenter(undefined, { granularity: 'sentence' })
const abbreviation =
  /(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|no|nr|vs|e\.g|i\.e|z\.b|bzw|etc|sr|sra|mme|approx)\.\s*$/iu

const conditional =
  /^(?:(?:and|but|so|und|aber|y|pero|et|mais)\s+)?(?:if|what if|suppose|supposing|imagine|assume|assuming|let's (?:say|assume|pretend)|pretend|hypothetically|in case|unless|say|wenn|falls|angenommen|nehmen wir an|stell dir vor|si|supongamos|imagina|imaginons|supposons|admettons|se|immagina)(?![\p{L}'])/iu
const reported =
  /(?<![\p{L}])(?<!(?:^|\s)i )(?:said|says|saying|told|tells|wrote|writes|claims?|claimed|thinks|thought|according to|sagt|sagte|meint|meinte|schrieb|schreibt|behauptet|dice|dijo|escribió|dit que|a dit|écrit|quote|lyrics?|the character|protagonist|in (?:the|my|a) (?:story|novel|movie|film|game|book|dream|song))(?![\p{L}])/iu
const notMeant =
  /(?<![\p{L}])(?:just kidding|only kidding|kidding|jk|j\/k|\/s|sarcasm|lol|haha+|yeah,? right|as if|not!|nur spaß|scherz|es broma|je plaisante|je blague)(?![\p{L}])|🙄|😏|😜/iu
const asking =
  '(?:what|which|who|whom|whose|when|where|why|how|is|are|am|was|were|do|does|did|can|could|would|should|shall|will|may|have|has|any|was|wie|wo|wer|wann|warum|wieso|welche[rsnm]?|kann|kannst|könnte|soll|sollte|gibt|ist|sind|hast|qué|cuál|quién|cuándo|dónde|cómo|por qué|puedes|me puedes|quel|quelle|qui|quand|où|comment|pourquoi|est-ce|peux|pouvez|as-tu|tu peux)'
const asksFor = new RegExp(
  `^(?:(?:so|and|but|then|und|also|y|entonces|et|alors)\\s+)?${asking}(?![\\p{L}])`,
  'iu',
)
const question = /[?？؟;]\s*$/u

/** Where a clause ends inside a sentence: at marks that part, and before another subject or a question. */
const subject =
  "(?:(?:i|i'm|i've|i'd|i'll|my|we|we're|we've|our|ich|mein\\w*|wir|unser\\w*|yo|mi|mis|me|nuestr[oa]s?|vivo|trabajo|tengo|soy|estoy|odio|hablo|je|mon|ma|mes|nous)(?![\\p{L}])|j')"
const joins =
  '(?:and|but|so|because|since|although|though|while|und|aber|denn|doch|y|pero|porque|et|mais|car)'
const seams = new RegExp(
  `\\s*[;:–—]\\s+|\\s-\\s|\\.\\.\\.\\s*|,\\s+(?=(?:${joins} )?(?:${subject}|${asking}(?![\\p{L}])))|\\s+(?=${joins} ${subject})`,
  'giu',
)

/**
 * The clauses of a message that its author states of their own: without questions, conditions, quotations, tasks and
 * what somebody else said.
 */
export function ownClauses(message: string): Clause[] {
  const text = withoutForeign(message.replace(/[’ʼ]/g, "'"))
  const sentences = sentencesOf(text)
  // Whoever takes a sentence back means the one before it.
  const meant = sentences.filter(
    (one, i) => !notMeant.test(one.text) && !notMeant.test(sentences[i + 1]?.text ?? ''),
  )
  return meant.flatMap(clausesOf)
}

function withoutForeign(message: string): string {
  let text = message
  for (const pattern of foreign) {
    text = text.replace(pattern, (match, inner) =>
      typeof inner === 'string' && inner.split(/\s+/).length <= longestQuotedName ? match : blanked(match),
    )
  }
  const handed = handedOver.exec(text)
  if (handed) text = text.slice(0, handed.index) + blanked(text.slice(handed.index))
  // A task takes everything that follows its colon or its first line with it.
  for (const { start, text: sentence } of sentencesOf(text)) {
    if (!task.test(sentence)) continue
    const after = text.slice(start)
    const takesAll = fiction.test(sentence) || /[:\n]/u.test(after)
    const until = takesAll ? text.length : start + sentence.length
    return text.slice(0, start) + blanked(text.slice(start, until)) + text.slice(until)
  }
  return text
}

/** Nothing but an expression of time, with a word before it at most. */
function isTime(text: string): boolean {
  const [date] = datesIn(text, new Date(0), 'past')
  return date !== undefined && text.length - (date.end - date.start) <= 4
}

type Sentence = { text: string; start: number }

function sentencesOf(text: string): Sentence[] {
  const sentences: Sentence[] = []
  let start = 0
  for (const line of text.split(/(?<=\n)/u)) {
    let open = ''
    let openStart = start
    for (const { segment } of segmenter.segment(line)) {
      if (open === '') openStart = start
      open += segment
      start += segment.length
      if (abbreviation.test(open)) continue
      sentences.push({ text: open, start: openStart })
      open = ''
    }
    if (open !== '') sentences.push({ text: open, start: openStart })
  }
  return sentences.filter((sentence) => /[\p{L}]/u.test(sentence.text))
}

function clausesOf(sentence: Sentence): Clause[] {
  if (reported.test(sentence.text)) return []
  const clauses: Clause[] = []
  let from = 0
  const cut = (to: number, next: number) => {
    const raw = sentence.text.slice(from, to)
    const lead = raw.length - raw.trimStart().length
    const text = raw.trim()
    // "On Tuesday, I fly to Oslo": a time by itself belongs to what follows.
    if (next > to && isTime(text)) return
    if (text !== '') clauses.push({ text, start: sentence.start + from + lead, opens: clauses.length === 0 })
    from = next
  }
  for (const seam of sentence.text.matchAll(seams)) cut(seam.index, seam.index + seam[0].length)
  cut(sentence.text.length, sentence.text.length)
  if (clauses.some((clause) => conditional.test(clause.text))) return []
  if (!question.test(sentence.text)) return clauses.filter((clause) => !clause.text.includes(blank))
  // "I moved to Lisbon, what should I see?" states something first; "I live in Lisbon, right?" asks for it.
  const asked = clauses.findIndex((clause) => asksFor.test(clause.text))
  return asked < 1 ? [] : clauses.slice(0, asked).filter((clause) => !clause.text.includes(blank))
}
