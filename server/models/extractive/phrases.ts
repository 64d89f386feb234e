/** The fixed texts of the built-in answerer. */
type Phrases = {
  /** Follows the quotations. */
  quotedOnly: string
  notAnswered: string
  /** Before quotes that may not answer the question. */
  closest: string
  notSearched: string
  noModel: string
  greeting: string
  page: (page: number) => string
  /** Matches a question that is only a greeting, in lower case without punctuation. */
  greetings: RegExp
}

/** By ISO 639-3 code. */
const phrases: Record<string, Phrases> & { eng: Phrases } = {
  eng: {
    greetings: /^(?:(?:hi|hello|hey)(?: there)?|good (?:morning|evening|afternoon)|greetings)$/,
    quotedOnly: 'No language model is set up, so these are quotations from the documents.',
    notAnswered: 'I cannot find this in your documents. Other words may find it.',
    closest: 'These passages are the closest I found:',
    notSearched: 'This was asked without searching your documents, and quoting them is all I can do.',
    noModel: 'No language model is set up: I can only quote from documents.',
    greeting:
      'Hello! Ask me something about your documents, and I will show you the sentences that answer it.',
    page: (page) => `page ${page}`,
  },
  deu: {
    greetings: /^(?:hallo|guten (?:tag|morgen|abend)|moin|servus|grüß gott|grüezi)$/,
    quotedOnly: 'Es ist kein Sprachmodell eingerichtet, darum sind dies Zitate aus den Dokumenten.',
    notAnswered: 'Dazu finde ich in deinen Dokumenten nichts. Mit anderen Worten vielleicht doch.',
    closest: 'Diese Stellen passen am ehesten zu deiner Frage:',
    notSearched:
      'Diese Frage wurde gestellt, ohne die Dokumente zu durchsuchen; ich kann aber nur aus ihnen zitieren.',
    noModel: 'Es ist kein Sprachmodell eingerichtet: Ich kann nur aus Dokumenten zitieren.',
    greeting: 'Hallo! Frag mich etwas zu deinen Dokumenten, und ich zeige dir die Sätze, die es beantworten.',
    page: (page) => `Seite ${page}`,
  },
  fra: {
    greetings: /^(?:bonjour|salut|bonsoir|coucou)$/,
    quotedOnly: 'Aucun modèle de langage n’est configuré : voici donc des citations des documents.',
    notAnswered: 'Je ne trouve pas cela dans vos documents. Peut-être avec d’autres mots.',
    closest: 'Voici les passages les plus proches que j’ai trouvés :',
    notSearched: 'La question a été posée sans chercher dans vos documents, et je ne sais que les citer.',
    noModel: 'Aucun modèle de langage n’est configuré : je ne peux que citer des documents.',
    greeting:
      'Bonjour ! Posez-moi une question sur vos documents et je vous montrerai les phrases qui y répondent.',
    page: (page) => `page ${page}`,
  },
  spa: {
    greetings: /^(?:hola|buenos d[ií]as|buenas(?: tardes| noches)?)$/,
    quotedOnly: 'No hay ningún modelo de lenguaje configurado, así que estas son citas de los documentos.',
    notAnswered: 'No encuentro esto en tus documentos. Quizá con otras palabras.',
    closest: 'Estos son los pasajes más cercanos que encontré:',
    notSearched: 'La pregunta se hizo sin buscar en tus documentos, y yo solo sé citarlos.',
    noModel: 'No hay ningún modelo de lenguaje configurado: solo puedo citar documentos.',
    greeting: '¡Hola! Pregúntame algo sobre tus documentos y te mostraré las frases que lo responden.',
    page: (page) => `página ${page}`,
  },
  ita: {
    greetings: /^(?:ciao|buongiorno|buonasera|salve)$/,
    quotedOnly: 'Nessun modello linguistico è configurato, quindi queste sono citazioni dai documenti.',
    notAnswered: 'Non trovo questo nei tuoi documenti. Forse con altre parole.',
    closest: 'Questi sono i passaggi più vicini che ho trovato:',
    notSearched: 'La domanda è stata posta senza cercare nei tuoi documenti, e io so solo citarli.',
    noModel: 'Nessun modello linguistico è configurato: posso solo citare i documenti.',
    greeting: 'Ciao! Chiedimi qualcosa sui tuoi documenti e ti mostrerò le frasi che rispondono.',
    page: (page) => `pagina ${page}`,
  },
  por: {
    greetings: /^(?:ol[aá]|oi|bom dia|boa (?:tarde|noite))$/,
    quotedOnly: 'Nenhum modelo de linguagem está configurado, por isso estas são citações dos documentos.',
    notAnswered: 'Não encontro isto nos seus documentos. Talvez com outras palavras.',
    closest: 'Estas são as passagens mais próximas que encontrei:',
    notSearched: 'A pergunta foi feita sem pesquisar nos seus documentos, e eu só sei citá-los.',
    noModel: 'Nenhum modelo de linguagem está configurado: só posso citar documentos.',
    greeting: 'Olá! Pergunte-me algo sobre os seus documentos e mostrarei as frases que respondem.',
    page: (page) => `página ${page}`,
  },
  cmn: {
    greetings: /^(?:你好|您好|大家好|嗨|早上好|晚上好)$/,
    quotedOnly: '尚未设置语言模型，因此以上是文档中的原文。',
    notAnswered: '我在您的文档中没有找到相关内容。换个说法也许能找到。',
    closest: '以下是我找到的最接近的段落：',
    notSearched: '这个问题没有检索您的文档，而我只能引用文档中的原文。',
    noModel: '尚未设置语言模型：我只能引用文档中的原文。',
    greeting: '您好！请就您的文档提问，我会给出能够回答的原句。',
    page: (page) => `第 ${page} 页`,
  },
  jpn: {
    greetings: /^(?:こんにちは|こんばんは|おはよう(?:ございます)?|やあ)$/,
    quotedOnly: '言語モデルが設定されていないため、文書からの引用のみを示しています。',
    notAnswered: 'お使いの文書の中に見つかりません。別の言葉なら見つかるかもしれません。',
    closest: '見つかった中で最も近い箇所は次のとおりです。',
    notSearched: 'この質問では文書が検索されていません。私にできるのは文書の引用だけです。',
    noModel: '言語モデルが設定されていません。私は文書を引用することしかできません。',
    greeting: 'こんにちは。文書について質問してください。答えになる文をお見せします。',
    page: (page) => `${page} ページ`,
  },
}

/** Returns the phrases of the first known language; English for none. */
export const phrasesFor = (...languages: (string | null)[]): Phrases =>
  languages.map((language) => phrases[language ?? '']).find((known) => known !== undefined) ?? phrases.eng

const fixedTexts = new Set<unknown>(Object.values(phrases).flatMap((texts) => Object.values(texts)))

/** Whether a paragraph of an answer is one of the phrases, in any language. */
export const isFixedText = (paragraph: string): boolean => fixedTexts.has(paragraph)

/** Returns the phrases of the language of a question that is only a greeting. */
export function phrasesForGreeting(question: string): Phrases | undefined {
  const words = question
    .toLowerCase()
    .replaceAll(/[\p{P}\p{S}\s]+/gu, ' ')
    .trim()
  return Object.values(phrases).find(({ greetings }) => greetings.test(words))
}
