import { anyCase, clause, properName, type Rule, type RuleSet, rest } from './rule.ts'

type Making = Partial<ReturnType<Rule['make']> & object>
const fact =
  (attribute: string, importance: number, more: Making = {}): Rule['make'] =>
  ({ v = '' }) => ({ type: 'fact', attribute, value: v, importance, ...more })
const likes =
  (liked: boolean): Rule['make'] =>
  ({ v = '' }) => ({
    type: 'preference',
    attribute: `likes ${v}`,
    value: liked ? 'yes' : 'no',
    importance: 0.5,
  })
const allergy =
  (more: Making = {}): Rule['make'] =>
  ({ v = '' }) => ({ type: 'fact', attribute: `allergy ${v}`, value: 'yes', importance: 0.95, ...more })
const related =
  (kin: Record<string, string>): Rule['make'] =>
  ({ v = '', kin: word = '' }) => ({
    type: 'relationship',
    attribute: `relation ${kin[word.toLowerCase()] ?? word.toLowerCase()}`,
    value: v,
    importance: 0.7,
  })
/** A fact whose words differ by language and gender, under the name that all languages share. */
const shared =
  (
    attribute: string,
    importance: number,
    names: [RegExp, string][],
    type: 'fact' | 'preference' = 'fact',
    more: Making = {},
  ): Rule['make'] =>
  ({ v = '' }) => ({
    type,
    attribute,
    value: names.find(([pattern]) => pattern.test(v))?.[1] ?? v.toLowerCase(),
    importance,
    ...more,
  })

const diets: [RegExp, string][] = [
  [/^v[eé]gan/i, 'vegan'],
  [/^v[eé]g[eé]t/i, 'vegetarian'],
]
const marital: [RegExp, string][] = [
  [/^(?:casad|mari)/i, 'married'],
  [/^(?:solter|célibataire)/i, 'single'],
  [/^divorc/i, 'divorced'],
  [/^(?:prometid|fianc)/i, 'engaged'],
  [/^(?:viud|veu)/i, 'widowed'],
]

const spanishKin: Record<string, string> = {
  madre: 'mother',
  mamá: 'mother',
  padre: 'father',
  papá: 'father',
  hermana: 'sister',
  hermano: 'brother',
  esposa: 'wife',
  mujer: 'wife',
  marido: 'husband',
  esposo: 'husband',
  pareja: 'partner',
  novia: 'girlfriend',
  novio: 'boyfriend',
  hija: 'daughter',
  hijo: 'son',
  abuela: 'grandmother',
  abuelo: 'grandfather',
  prima: 'cousin',
  primo: 'cousin',
  tía: 'aunt',
  tío: 'uncle',
  amiga: 'friend',
  amigo: 'friend',
  jefa: 'boss',
  jefe: 'boss',
  perro: 'dog',
  perra: 'dog',
  gato: 'cat',
  gata: 'cat',
  caballo: 'horse',
}
const frenchKin: Record<string, string> = {
  mère: 'mother',
  maman: 'mother',
  père: 'father',
  papa: 'father',
  sœur: 'sister',
  soeur: 'sister',
  frère: 'brother',
  femme: 'wife',
  épouse: 'wife',
  mari: 'husband',
  époux: 'husband',
  compagne: 'partner',
  compagnon: 'partner',
  copine: 'girlfriend',
  copain: 'boyfriend',
  fille: 'daughter',
  fils: 'son',
  'grand-mère': 'grandmother',
  'grand-père': 'grandfather',
  cousine: 'cousin',
  cousin: 'cousin',
  tante: 'aunt',
  oncle: 'uncle',
  amie: 'friend',
  ami: 'friend',
  patron: 'boss',
  patronne: 'boss',
  chien: 'dog',
  chienne: 'dog',
  chat: 'cat',
  chatte: 'cat',
  cheval: 'horse',
}
const kinWord = (kin: Record<string, string>) => `(?<kin>${Object.keys(kin).join('|')})`

const ya = '(?:(?:ya|ahora|actualmente|también|hoy|desde \\S+(?: \\S+)?) )*'
const spanishRules: Rule[] = [
  { pattern: clause(`(?:[Mm]e llamo|[Mm]i nombre es) ${properName}`), make: fact('name', 0.9) },
  { pattern: clause(`(?:[Pp]uedes llamarme|[Ll]lámame) ${properName}`), make: fact('nickname', 0.9) },
  {
    pattern: clause(`(?:[Yy]o )?[Yy]a no vivo en ${properName}`),
    make: fact('residence', 0.7, { holds: 'ended' }),
  },
  {
    pattern: clause(`(?:[Yy]o )?[Nn]o vivo en ${properName}`),
    make: fact('residence', 0.7, { holds: 'denied' }),
  },
  {
    pattern: clause(`(?:[Yy]o )?(?:[Aa]ntes )?(?:[Vv]ivía|[Ss]olía vivir) en ${properName}`),
    make: fact('residence', 0.7, { holds: 'ended' }),
  },
  {
    pattern: clause(`(?:[Yy]o )?${ya}(?:[Vv]ivo|[Vv]ivimos|[Rr]esido|[Aa]hora vivo) ${ya}en ${properName}`),
    make: fact('residence', 0.7),
  },
  {
    pattern: clause(
      `(?:[Yy]o )?(?:.{0,25}? )?(?:[Mm]e|[Nn]os) (?:he mudado|hemos mudado|mudé|mudamos|trasladé) (?:.{0,25}? )?a ${properName}`,
    ),
    make: fact('residence', 0.7, { lean: 'past' }),
  },
  {
    pattern: clause(`(?:[Yy]o )?(?:[Ss]oy de|[Vv]engo de|[Nn]ací en|[Cc]recí en) ${properName}`),
    make: fact('origin', 0.6),
  },
  {
    pattern: clause(`(?:[Yy]o )?[Yy]a no trabajo (?:en|para) ${properName}`),
    make: fact('employer', 0.65, { holds: 'ended' }),
  },
  {
    pattern: clause(`(?:[Yy]o )?${ya}[Tt]rabajo ${ya}(?:en|para) ${properName}`),
    make: fact('employer', 0.65),
  },
  { pattern: anyCase(`(?:yo )?${ya}trabajo ${ya}(?:como|de) ${rest}`), make: fact('occupation', 0.65) },
  {
    pattern: anyCase(
      '(?:yo )?soy (?<v>enfermer[oa]|médic[oa]|profesor[a]?|maestr[oa]|ingenier[oa]|abogad[oa]|estudiante|arquitect[oa]|cociner[oa]|periodista|diseñador[a]?|programador[a]?|camarer[oa]|autónom[oa]|jubilad[oa])(?![\\p{L}])',
    ),
    make: fact('occupation', 0.65),
  },
  { pattern: anyCase(`(?:yo )?${ya}estudio ${rest}`), make: fact('study', 0.6) },
  { pattern: anyCase('(?:yo )?(?:ya )?tengo (?<v>\\d{1,3}) años'), make: fact('age', 0.6) },
  { pattern: anyCase('mi cumpleaños es el (?<v>\\d{1,2} de \\p{L}+)'), make: fact('birthday', 0.7) },
  {
    pattern: clause(
      `[Mm]i (?:(?:mejor|pequeñ[oa]) )?${kinWord(spanishKin)}(?: (?:mayor|menor))? (?:se llama|es) ${properName}[.!]*$`,
    ),
    make: related(spanishKin),
  },
  {
    pattern: clause(
      `(?:.{0,60}?(?<![\\p{L}]))?(?<brief>[Mm]i ${kinWord(spanishKin)},? (?<v>\\p{Lu}\\p{L}+))(?!\\S)`,
    ),
    make: related(spanishKin),
  },
  {
    pattern: anyCase(
      '(?:yo )?tengo (?<v>un|una|dos|tres|cuatro|cinco|\\d{1,2}) (?<kin>hijos?|hijas?|hermanos?|hermanas?)(?![\\p{L}])',
    ),
    make: ({ v = '', kin = '' }) => ({
      type: 'relationship',
      attribute: `count ${/^hij/i.test(kin) ? 'child' : 'sibling'}`,
      value: v.toLowerCase(),
      importance: 0.65,
    }),
  },
  {
    pattern: anyCase(
      '(?:yo )?(?:estoy|soy|me he) (?:ya )?(?<v>casad[oa]|solter[oa]|divorciad[oa]|prometid[oa]|viud[oa])(?![\\p{L}])',
    ),
    make: shared('marital_status', 0.7, marital),
  },
  {
    pattern: anyCase('(?:yo )?(?:ya )?no soy alérgic[oa] (?:a|al) (?<v>.{2,60}?)[.!]*$'),
    make: allergy({ holds: 'denied' }),
  },
  { pattern: anyCase('(?:yo )?soy (?:muy )?alérgic[oa] (?:a|al) (?<v>.{2,60}?)[.!]*$'), make: allergy() },
  {
    pattern: anyCase('(?:yo )?(?<not>ya )?no soy (?<v>vegetarian[oa]|vegan[oa])(?![\\p{L}])'),
    make: (groups) =>
      shared('diet', 0.85, diets, 'preference', { holds: groups['not'] ? 'ended' : 'denied' })(groups),
  },
  {
    pattern: anyCase(
      '(?:yo )?(?:ahora )?(?:soy|me he hecho|me hice) (?:ahora )?(?<v>vegetarian[oa]|vegan[oa])(?![\\p{L}])',
    ),
    make: shared('diet', 0.85, diets, 'preference'),
  },
  {
    pattern: anyCase('(?:yo )?(?:ya )?no (?<verb>como|bebo) (?<v>\\p{L}+(?: \\p{L}+)?)[.!]*$'),
    make: ({ v = '', verb }) => ({
      type: 'preference',
      attribute: `${verb === 'como' ? 'eats' : 'drinks'} ${v}`,
      value: 'no',
      importance: 0.75,
    }),
  },
  {
    pattern: anyCase(
      '(?:(?:a mí )?(?:ya )?no me (?:gustan?|encantan?)|(?:yo )?(?:odio|detesto|no soporto)) (?:nada )?(?<v>.{2,80}?)[.!]*$',
    ),
    list: true,
    make: likes(false),
  },
  {
    pattern: anyCase(
      '(?:a mí )?(?:me (?:gustan?|encantan?|fascinan?)|(?:yo )?(?:amo|adoro|prefiero)) (?:mucho |muchísimo )?(?<v>.{2,80}?)[.!]*$',
    ),
    list: true,
    make: likes(true),
  },
  {
    pattern: anyCase(
      'mi (?<what>\\p{L}+) (?:favorit[oa]|preferid[oa]) (?:es|son) (?:ahora )?(?<v>.{2,60}?)[.!]*$',
    ),
    make: ({ v = '', what = '' }) => ({
      type: 'preference',
      attribute: `favourite ${spanishThings[what.toLowerCase()] ?? what.toLowerCase()}`,
      value: v,
      importance: 0.6,
    }),
  },
  {
    pattern: anyCase(
      '(?:yo )?hablo (?:también )?(?<v>español|inglés|francés|alemán|italiano|portugués|chino|japonés|árabe|ruso|catalán|gallego|euskera)(?![\\p{L}])',
    ),
    make: ({ v = '' }) => ({
      type: 'fact',
      attribute: `speaks ${v.toLowerCase()}`,
      value: 'yes',
      importance: 0.6,
    }),
  },
]
const spanishThings: Record<string, string> = {
  color: 'color',
  comida: 'food',
  libro: 'book',
  película: 'film',
  animal: 'animal',
  ciudad: 'city',
  canción: 'song',
  deporte: 'sport',
}

const spanish: RuleSet = {
  language: 'spa',
  filler:
    /^(?:(?:y|pero|porque|pues|bueno|sí|no,|hola|buenas|buenos días|por cierto|además|la verdad|recuerda que|recuerda|ten en cuenta que|no olvides que|que sepas que|corrección|desgraciadamente|por suerte)[,.!:]*\s+)+/iu,
  tail: /(?:\s*[,(]|\s+(?:desde|porque|cuando|con|donde|pero|aunque|y (?:me|mi|yo|es|no|tengo|soy)|ahora|hoy|también|actualmente|hace|el (?:mes|año) pasado|la semana pasada|por favor)(?![\p{L}])).*$/iu,
  article: /^(?:el|la|los|las|un|una|unos|unas|lo|mi|mis)\s+/iu,
  empty:
    /^(?:eso|esto|ese|esa|este|esta|ello|él|ella|ellos|ellas|tú|te|tu (?:idea|respuesta|forma)|usted|algo|nada|todo|que|qué|como|cómo|cuando|si|no|así|aquí|allí|mucho|la (?:idea|forma))(?![\p{L}])/iu,
  unreal:
    /(?<![\p{L}])(?:si|quizás?|tal vez|a lo mejor|ojalá|quisiera|querría|gustaría|encantaría|sería|podría|debería|supongamos|imagina|imaginemos|sueño con|casi|por ejemplo|como si|no sé)(?![\p{L}])/iu,
  rules: spanishRules,
  event: {
    pattern:
      /^(?:vuelo|viajo|voy|vamos|salgo|visito|me caso|nos casamos|empiezo|empezamos|tengo (?:un|una|mi)|tenemos (?:un|una)|me mudo|nos mudamos|viajé|fui|fuimos|visité|empecé|corrí|me casé|compré|gané|perdí|terminé|adopté|adoptamos|viajamos|volé|celebro|celebramos)(?![\p{L}])/iu,
    past: /(?<![\p{L}])(?:viajé|fui|fuimos|visité|empecé|corrí|me casé|compré|gané|perdí|terminé|adopté|volé|he|hemos)(?![\p{L}])/iu,
    thing:
      /^(?:mi|nuestra|nuestro) (?:próxim[oa] )?(?<v>entrevista|cita(?: (?:con|del?) (?:el |la )?\p{L}+)?|examen|boda|vuelo|reunión|operación|fiesta|viaje|mudanza|presentación|concierto)(?: (?:es|será|fue|se ha movido|ahora|para|al?|el))*(?![\p{L}])/iu,
  },
}

const maintenant = '(?:(?:maintenant|actuellement|aussi|désormais|toujours|depuis \\S+(?: \\S+)?) )*'
const inPlace = '(?:à|en|au|aux|dans le|dans la)'
const frenchRules: Rule[] = [
  {
    pattern: clause(`(?:[Jj]e m'appelle|[Mm]on (?:pré)?nom est|[Mm]on prénom,? c'est) ${properName}`),
    make: fact('name', 0.9),
  },
  { pattern: clause(`(?:[Tt]u peux m'appeler|[Aa]ppelle-moi) ${properName}`), make: fact('nickname', 0.9) },
  {
    pattern: clause(`(?:[Jj]e n'habite|[Jj]e ne vis) plus ${inPlace} ${properName}`),
    make: fact('residence', 0.7, { holds: 'ended' }),
  },
  {
    pattern: clause(`(?:[Jj]e n'habite|[Jj]e ne vis) pas ${inPlace} ${properName}`),
    make: fact('residence', 0.7, { holds: 'denied' }),
  },
  {
    pattern: clause(`(?:[Aa]vant,? )?(?:[Jj]'habitais|[Jj]e vivais)(?: avant)? ${inPlace} ${properName}`),
    make: fact('residence', 0.7, { holds: 'ended' }),
  },
  {
    pattern: clause(
      `(?:[Jj]'habite|[Jj]e vis|[Nn]ous habitons|[Nn]ous vivons) ${maintenant}${inPlace} ${properName}`,
    ),
    make: fact('residence', 0.7),
  },
  {
    pattern: clause(
      `(?:.{0,25}? )?(?:[Jj]'ai|[Nn]ous avons) (?:récemment )?(?:déménagé|emménagé) (?:.{0,25}? )?${inPlace} ${properName}`,
    ),
    make: fact('residence', 0.7, { lean: 'past' }),
  },
  {
    pattern: clause(`(?:[Jj]e viens|[Jj]e suis originaire) (?:de |d')${properName}`),
    make: fact('origin', 0.6),
  },
  {
    pattern: clause(`[Jj]e suis née? (?:et j'ai grandi )?${inPlace} ${properName}`),
    make: fact('origin', 0.6),
  },
  {
    pattern: clause(`[Jj]e ne travaille plus (?:chez|pour|à) ${properName}`),
    make: fact('employer', 0.65, { holds: 'ended' }),
  },
  {
    pattern: clause(`[Jj]e travaille ${maintenant}(?:chez|pour) ${properName}`),
    make: fact('employer', 0.65),
  },
  { pattern: anyCase(`je travaille ${maintenant}comme ${rest}`), make: fact('occupation', 0.65) },
  {
    pattern: anyCase(
      'je suis (?<v>infirmi(?:er|ère)|médecin|professeure?|enseignante?|ingénieure?|avocate?|étudiante?|architecte|cuisini(?:er|ère)|journaliste|développeur|développeuse|graphiste|retraitée?)(?![\\p{L}])',
    ),
    make: fact('occupation', 0.65),
  },
  { pattern: anyCase(`j'étudie ${rest}`), make: fact('study', 0.6) },
  { pattern: anyCase("j'ai (?<v>\\d{1,3}) ans"), make: fact('age', 0.6) },
  {
    pattern: anyCase("mon anniversaire,? (?:est|c'est) le (?<v>\\d{1,2}(?:er)? \\p{L}+)"),
    make: fact('birthday', 0.7),
  },
  {
    pattern: clause(
      `(?:[Mm]a|[Mm]on) (?:(?:petite?|grande?|meilleure?) )?${kinWord(frenchKin)} s'appelle ${properName}`,
    ),
    make: related(frenchKin),
  },
  {
    pattern: clause(
      `(?:.{0,60}?(?<![\\p{L}]))?(?<brief>(?:[Mm]a|[Mm]on) (?:(?:petite?|grande?) )?${kinWord(frenchKin)},? (?<v>\\p{Lu}\\p{L}+))(?!\\S)`,
    ),
    make: related(frenchKin),
  },
  {
    pattern: anyCase(
      "j'ai (?<v>une?|deux|trois|quatre|cinq|\\d{1,2}) (?<kin>enfants?|frères?|sœurs?|fils|filles?)(?![\\p{L}])",
    ),
    make: ({ v = '', kin = '' }) => ({
      type: 'relationship',
      attribute: `count ${/^enfant/i.test(kin) ? 'child' : kin.toLowerCase()}`,
      value: v.toLowerCase(),
      importance: 0.65,
    }),
  },
  {
    pattern: anyCase(
      'je suis (?:maintenant )?(?<v>mariée?|célibataire|divorcée?|fiancée?|veuf|veuve)(?![\\p{L}])',
    ),
    make: shared('marital_status', 0.7, marital),
  },
  {
    pattern: anyCase("je ne suis (?:pas|plus) allergique (?:à la |à l'|à |aux |au )(?<v>.{2,60}?)[.!]*$"),
    make: allergy({ holds: 'denied' }),
  },
  {
    pattern: anyCase("je suis (?:très )?allergique (?:à la |à l'|à |aux |au )(?<v>.{2,60}?)[.!]*$"),
    make: allergy(),
  },
  {
    pattern: anyCase('je ne suis (?<not>pas|plus) (?<v>végétarien(?:ne)?|végane?|vegan)(?![\\p{L}])'),
    make: (groups) =>
      shared('diet', 0.85, diets, 'preference', { holds: groups['not'] === 'plus' ? 'ended' : 'denied' })(
        groups,
      ),
  },
  {
    pattern: anyCase(
      'je (?:suis|suis devenue?) (?:maintenant )?(?:devenue? )?(?<v>végétarien(?:ne)?|végane?|vegan)(?![\\p{L}])',
    ),
    make: shared('diet', 0.85, diets, 'preference'),
  },
  {
    pattern: anyCase("je ne (?<verb>mange|bois) (?:pas|plus|jamais) (?:de |d')(?<v>\\p{L}+)"),
    make: ({ v = '', verb }) => ({
      type: 'preference',
      attribute: `${verb === 'mange' ? 'eats' : 'drinks'} ${v}`,
      value: 'no',
      importance: 0.75,
    }),
  },
  {
    pattern: anyCase(
      "(?:je n'aime (?:pas|plus)(?: du tout)?|je déteste|je ne supporte (?:pas|plus)|j'ai horreur (?:de |d')) ?(?<v>.{2,80}?)[.!]*$",
    ),
    list: true,
    make: likes(false),
  },
  {
    pattern: anyCase("(?:j'aime|j'adore|je préfère) (?:beaucoup |bien |vraiment )?(?<v>.{2,80}?)[.!]*$"),
    list: true,
    make: likes(true),
  },
  {
    pattern: anyCase(
      "(?:mon|ma) (?<what>\\p{L}+) (?:préférée?|favorite?),? (?:est|c'est) (?<v>.{2,60}?)[.!]*$",
    ),
    make: ({ v = '', what = '' }) => ({
      type: 'preference',
      attribute: `favourite ${frenchThings[what.toLowerCase()] ?? what.toLowerCase()}`,
      value: v,
      importance: 0.6,
    }),
  },
  {
    pattern: anyCase(
      "je parle (?:aussi )?(?:le |l')?(?<v>français|anglais|espagnol|allemand|italien|portugais|chinois|japonais|arabe|russe)(?![\\p{L}])",
    ),
    make: ({ v = '' }) => ({
      type: 'fact',
      attribute: `speaks ${v.toLowerCase()}`,
      value: 'yes',
      importance: 0.6,
    }),
  },
]
const frenchThings: Record<string, string> = {
  couleur: 'color',
  plat: 'food',
  livre: 'book',
  film: 'film',
  animal: 'animal',
  ville: 'city',
  chanson: 'song',
  sport: 'sport',
}

const french: RuleSet = {
  language: 'fra',
  filler:
    /^(?:(?:et|mais|car|parce que|alors|donc|eh bien|oui|non|ah|bonjour|salut|coucou|bonsoir|au fait|d'ailleurs|en fait|à vrai dire|souviens-toi que|n'oublie pas que|note que|pour info|correction|malheureusement|heureusement)[,.!:]*\s+)+/iu,
  tail: /(?:\s*[,(]|\s+(?:depuis|parce que|car|quand|avec|où|mais|et (?:je|j'|mon|ma|c'est|il|elle)|maintenant|aussi|actuellement|il y a|le mois dernier|l'année dernière|la semaine dernière|s'il te plaît)(?![\p{L}])).*$/iu,
  article: /^(?:les?|la|l'|une?|des|du|de la|de l'|mon|ma|mes)\s*/iu,
  empty:
    /^(?:ça|cela|ceci|celui|celle|ceux|le$|la$|les$|lui|elle|toi|tu|vous|ta (?:réponse|façon)|quelque chose|rien|tout|que|quoi|comment|quand|si|pas|ici|là|l'idée|être)(?![\p{L}])/iu,
  unreal:
    /(?<![\p{L}])(?:si|peut-être|sans doute|voudrais|aimerais|serais?|pourrais?|devrais?|supposons|imagine|imaginons|rêve d|presque|par exemple|comme si|je ne sais pas|j'espère)(?![\p{L}])/iu,
  rules: frenchRules,
  event: {
    pattern:
      /^(?:je|j'|nous|on) ?(?:vole|voyage|pars|partons|part|vais|allons|va|visite|visitons|me marie|nous marions|commence|commençons|déménage|ai (?:un|une|mon|ma|couru|visité|commencé|acheté|gagné|perdu|fini|adopté|voyagé)|avons (?:un|une|adopté|visité|fêté)|suis (?:allée?|partie?)|sommes (?:allée?s|partie?s)|fête|fêtons|cours)(?![\p{L}])/iu,
    past: /(?<![\p{L}])(?:couru|visité|commencé|acheté|gagné|perdu|fini|adopté|voyagé|allée?s?|partie?s?|fêté)(?![\p{L}])/iu,
    thing:
      /^(?:mon|ma|notre) (?:prochaine? )?(?<v>entretien|rendez-vous(?: chez \S+ \S+)?|examen|mariage|vol|réunion|opération|fête|voyage|déménagement|présentation|concert)(?: (?:est|sera|a été|déplacée?|maintenant|le|au|à))*(?![\p{L}])/iu,
  },
}

/** The languages that came from Latin. */
export const romance: RuleSet[] = [spanish, french]
