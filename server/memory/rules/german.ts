import { anyCase, clause, properName, type Rule, type RuleSet, rest } from './rule.ts'

const often =
  '(?:(?:jetzt|nun|derzeit|zurzeit|momentan|inzwischen|mittlerweile|aktuell|gerade|auch|noch|immer noch|schon|wirklich|sehr|total|gern|gerne|seit \\S+(?: \\S+)?) )*'
/** A verb may stand before its subject when something else opens the clause: "Seit 2019 wohne ich in Köln". */
const me = (verb: string) =>
  `(?:(?:(?:seit|ab|im|in|vor|letzten?|letztes|letzte|jetzt|nun|inzwischen|mittlerweile|derzeit|früher)(?: \\S+){0,3} )?${verb} ich|ich ${verb})`

const kin: Record<string, string> = {
  mutter: 'mother',
  mama: 'mother',
  vater: 'father',
  papa: 'father',
  schwester: 'sister',
  bruder: 'brother',
  frau: 'wife',
  ehefrau: 'wife',
  mann: 'husband',
  ehemann: 'husband',
  partner: 'partner',
  partnerin: 'partner',
  freundin: 'girlfriend',
  freund: 'boyfriend',
  sohn: 'son',
  tochter: 'daughter',
  kind: 'child',
  oma: 'grandmother',
  opa: 'grandfather',
  cousin: 'cousin',
  cousine: 'cousin',
  onkel: 'uncle',
  tante: 'aunt',
  chef: 'boss',
  chefin: 'boss',
  kollege: 'colleague',
  kollegin: 'colleague',
  hund: 'dog',
  hündin: 'dog',
  katze: 'cat',
  kater: 'cat',
  pferd: 'horse',
  mitbewohner: 'roommate',
  mitbewohnerin: 'roommate',
  nachbar: 'neighbour',
  nachbarin: 'neighbour',
}
const relative = `(?:(?:älter|jünger|klein|groß|best)e[rn]? )?(?<kin>${Object.keys(kin)
  .flatMap((word) => [word, word.charAt(0).toUpperCase() + word.slice(1)])
  .join('|')})`
const kinOf = (word = ''): string => kin[word.toLowerCase()] ?? word.toLowerCase()

const fact =
  (
    attribute: string,
    importance: number,
    more: Partial<ReturnType<Rule['make']> & object> = {},
  ): Rule['make'] =>
  ({ v = '' }) => ({ type: 'fact', attribute, value: v, importance, ...more })
const likes =
  (liked: boolean): Rule['make'] =>
  ({ v = '' }) =>
    liked && /^kein/i.test(v)
      ? undefined
      : { type: 'preference', attribute: `likes ${v}`, value: liked ? 'yes' : 'no', importance: 0.5 }

const rules: Rule[] = [
  { pattern: clause(`[Mm]ein (?:Vor)?[Nn]ame ist ${properName}`), make: fact('name', 0.9) },
  { pattern: clause(`[Ii]ch (?:heiße|heisse) ${properName}`), make: fact('name', 0.9) },
  { pattern: clause(`(?:[Dd]u kannst mich |[Nn]enn(?:e)? mich )${properName}`), make: fact('nickname', 0.9) },
  {
    pattern: clause(`[Ii]ch (?:wohne|lebe) nicht mehr in ${properName}`),
    make: fact('residence', 0.7, { holds: 'ended' }),
  },
  {
    pattern: clause(`[Ii]ch (?:wohne|lebe) nicht in ${properName}`),
    make: fact('residence', 0.7, { holds: 'denied' }),
  },
  {
    pattern: clause(
      `(?:[Ff]rüher (?:habe ich|wohnte ich|lebte ich)|[Ii]ch habe früher|[Ii]ch (?:wohnte|lebte) früher)(?: früher)? in ${properName}`,
    ),
    make: fact('residence', 0.7, { holds: 'ended' }),
  },
  {
    pattern: anyCase(`${me('(?:wohne|lebe)')} ${often}in (?:der |den )?${properName}`),
    make: ({ v = '' }) =>
      /^\p{Lu}/u.test(v) ? { type: 'fact', attribute: 'residence', value: v, importance: 0.7 } : undefined,
  },
  {
    pattern: anyCase(`${me('bin')} .{0,40}?nach ${properName} (?:um)?gezogen`),
    make: fact('residence', 0.7, { lean: 'past' }),
  },
  {
    pattern: clause(`[Ii]ch (?:komme|stamme) (?:ursprünglich )?aus (?:der |den )?${properName}`),
    make: fact('origin', 0.6),
  },
  { pattern: clause(`[Ii]ch bin in ${properName} (?:geboren|aufgewachsen)`), make: fact('origin', 0.6) },
  {
    pattern: clause(`[Ii]ch arbeite nicht mehr (?:bei|für) (?:der |dem )?${properName}`),
    make: fact('employer', 0.65, { holds: 'ended' }),
  },
  {
    pattern: anyCase(`${me('arbeite')} ${often}(?:bei|für) (?:der |dem )?${properName}`),
    make: ({ v = '' }) =>
      /^\p{Lu}/u.test(v) ? { type: 'fact', attribute: 'employer', value: v, importance: 0.65 } : undefined,
  },
  {
    pattern: anyCase(`ich habe .{0,30}?(?:meinen job|meine stelle) (?:gekündigt|verloren)`),
    make: () => ({ type: 'fact', attribute: 'employer', value: '', holds: 'ended', importance: 0.65 }),
  },
  { pattern: anyCase(`${me('arbeite')} ${often}als ${rest}`), make: fact('occupation', 0.65) },
  {
    pattern: clause(
      `[Ii]ch bin (?:von Beruf )?(?:ein(?:e)? )?(?<v>\\p{Lu}[\\p{L}-]*(?:er|erin|in|or|eur|ist|loge|login|ent|entin|ant|pfleger|kraft|frau|mann|arzt|koch|meister))[.!]*$`,
    ),
    make: fact('occupation', 0.65),
  },
  { pattern: anyCase(`${me('studiere')} ${often}${rest}`), make: fact('study', 0.6) },
  {
    pattern: anyCase('ich bin (?:jetzt |gerade )?(?<v>\\d{1,3})(?: jahre alt| geworden)?[.!]*$'),
    make: fact('age', 0.6),
  },
  {
    pattern: anyCase('(?:ich habe am (?<v>\\d{1,2}\\. ?(?:\\d{1,2}\\.|\\p{L}+)) geburtstag)'),
    make: fact('birthday', 0.7),
  },
  {
    pattern: anyCase('mein geburtstag ist (?:am|der) (?<v>\\d{1,2}\\. ?(?:\\d{1,2}\\.?|\\p{L}+))'),
    make: fact('birthday', 0.7),
  },
  {
    pattern: clause(`[Mm]eine?[rmn]? ${relative} (?:heißt|heisst|ist|namens) (?<v>\\p{Lu}\\p{L}+)[.!]*$`),
    make: ({ v = '', kin: word }) => ({
      type: 'relationship',
      attribute: `relation ${kinOf(word)}`,
      value: v,
      importance: 0.7,
    }),
  },
  {
    pattern: clause(
      `[Mm]eine?[rmn]? ${relative}(?: (?<who>\\p{Lu}\\p{L}+))? (?:wohnt|lebt) in (?:der |den )?${properName}`,
    ),
    make: ({ v = '', kin: word, who }) => ({
      type: 'fact',
      subject: [kinOf(word), who?.toLowerCase()].filter(Boolean).join(' '),
      attribute: 'residence',
      value: v,
      importance: 0.55,
    }),
  },
  {
    pattern: clause(
      `(?:.{0,60}?(?<![\\p{L}]))?(?<brief>[Mm]eine?[rmn]? ${relative} (?<v>\\p{Lu}\\p{L}+))(?!\\S)`,
    ),
    make: ({ v = '', kin: word }) => ({
      type: 'relationship',
      attribute: `relation ${kinOf(word)}`,
      value: v,
      importance: 0.7,
    }),
  },
  {
    pattern: anyCase(
      'ich habe (?<v>keine|ein|zwei|drei|vier|fünf|\\d{1,2}) (?<kin>kind|kinder|geschwister|brüder|schwestern|söhne|töchter)(?![\\p{L}])',
    ),
    make: ({ v = '', kin: word = '' }) => ({
      type: 'relationship',
      attribute: `count ${/^kind/i.test(word) ? 'child' : word.toLowerCase()}`,
      value: v.toLowerCase(),
      importance: 0.65,
    }),
  },
  {
    pattern: anyCase(
      'ich bin (?:jetzt |inzwischen |seit \\S+(?: \\S+)? )*(?<v>verheiratet|ledig|single|geschieden|verlobt|verwitwet)(?![\\p{L}])',
    ),
    make: ({ v = '' }) => ({
      type: 'fact',
      attribute: 'marital_status',
      value: v.toLowerCase(),
      importance: 0.7,
    }),
  },
  {
    pattern: anyCase(
      'ich (?:bin|reagiere) (?:nicht|nicht mehr) allergisch (?:gegen|auf) (?<v>.{2,60}?)[.!]*$',
    ),
    make: ({ v = '' }) => ({
      type: 'fact',
      attribute: `allergy ${v}`,
      value: 'yes',
      holds: 'denied',
      importance: 0.95,
    }),
  },
  {
    pattern: anyCase(
      'ich (?:bin|reagiere) (?:stark |sehr |schwer )?allergisch (?:gegen|auf) (?<v>.{2,60}?)[.!]*$',
    ),
    make: ({ v = '' }) => ({ type: 'fact', attribute: `allergy ${v}`, value: 'yes', importance: 0.95 }),
  },
  {
    pattern: anyCase('ich habe eine (?<v>\\p{L}+)allergie(?![\\p{L}])'),
    make: ({ v = '' }) => ({ type: 'fact', attribute: `allergy ${v}`, value: 'yes', importance: 0.95 }),
  },
  {
    pattern: anyCase('ich bin kein(?:e)? (?<v>vegetarier(?:in)?|veganer(?:in)?)(?<more> mehr)?'),
    make: ({ v = '', more }) => ({
      type: 'preference',
      attribute: 'diet',
      value: dietOf(v),
      holds: more ? 'ended' : 'denied',
      importance: 0.85,
    }),
  },
  {
    pattern: anyCase(
      'ich (?:bin|lebe|ernähre mich) (?:jetzt |inzwischen |seit \\S+(?: \\S+)? )*(?<v>vegetarier(?:in)?|veganer(?:in)?|vegan|vegetarisch)(?![\\p{L}])',
    ),
    make: ({ v = '' }) => ({ type: 'preference', attribute: 'diet', value: dietOf(v), importance: 0.85 }),
  },
  {
    pattern: anyCase(
      'ich (?<verb>esse|trinke) (?:gar |überhaupt )?kein(?:e|en)? (?<v>\\p{L}+)(?: mehr)?[.!]*$',
    ),
    make: ({ v = '', verb }) => ({
      type: 'preference',
      attribute: `${verb === 'esse' ? 'eats' : 'drinks'} ${v}`,
      value: 'no',
      importance: 0.75,
    }),
  },
  {
    pattern: anyCase(
      `ich (?:hasse|verabscheue|kann) (?<v>[^,]{2,60}?)(?: nicht (?:ausstehen|leiden))?[.!]*$`,
    ),
    list: true,
    make: (groups) =>
      /^ich kann /i.test(groups['all'] ?? '') && !/nicht (?:ausstehen|leiden)/i.test(groups['all'] ?? '')
        ? undefined
        : likes(false)(groups),
  },
  {
    pattern: anyCase('ich mag (?<v>[^,]{2,60}?) (?:nicht|überhaupt nicht|gar nicht)(?: mehr)?[.!]*$'),
    list: true,
    make: likes(false),
  },
  {
    pattern: anyCase('ich mag keine[nrs]? (?<v>[^,]{2,60}?)(?: mehr)?[.!]*$'),
    list: true,
    make: likes(false),
  },
  {
    pattern: anyCase(
      'ich (?:mag|liebe|bevorzuge) (?:sehr |wirklich )?(?<v>.{2,80}?)(?: (?:sehr|gern|gerne|total))?[.!]*$',
    ),
    list: true,
    make: likes(true),
  },
  {
    pattern: anyCase(
      'ich (?:esse|trinke|höre|spiele|lese) (?:sehr |am liebsten )?(?:gern|gerne) (?<v>.{2,80}?)[.!]*$',
    ),
    list: true,
    make: likes(true),
  },
  {
    pattern: anyCase('meine? lieblings(?<what>\\p{L}+) (?:ist|sind) (?:jetzt )?(?<v>.{2,60}?)[.!]*$'),
    make: ({ v = '', what = '' }) => ({
      type: 'preference',
      attribute: `favourite ${germanThings[what.toLowerCase()] ?? what.toLowerCase()}`,
      value: v,
      importance: 0.6,
    }),
  },
  {
    pattern: clause(`[Ii]ch spreche (?:auch |fließend |ein bisschen )*(?<v>\\p{Lu}\\p{L}+)`),
    make: ({ v = '' }) => ({ type: 'fact', attribute: `speaks ${v}`, value: 'yes', importance: 0.6 }),
  },
  {
    pattern: anyCase('ich lerne (?:gerade |jetzt |seit \\S+(?: \\S+)? )*(?<v>\\p{L}+)(?![\\p{L}])'),
    make: ({ v = '' }) => ({ type: 'fact', attribute: `learns ${v}`, value: 'yes', importance: 0.5 }),
  },
]

const dietOf = (word: string): string => (/^vegan/i.test(word) ? 'vegan' : 'vegetarian')
const germanThings: Record<string, string> = {
  farbe: 'color',
  essen: 'food',
  buch: 'book',
  film: 'film',
  tier: 'animal',
  band: 'band',
  lied: 'song',
  sport: 'sport',
  stadt: 'city',
}

export const german: RuleSet = {
  language: 'deu',
  filler:
    /^(?:(?:und|aber|denn|doch|also|ja|nein|ach|oh|hallo|hi|hey|guten (?:tag|morgen|abend)|moin|servus|übrigens|eigentlich|ehrlich gesagt|(?:bitte )?(?:merk dir|denk daran|vergiss nicht|beachte)(?:,? dass)?|wie gesagt|nur damit du es weißt|leider|zum glück|korrektur|nebenbei)[,.!:]*\s+)+/iu,
  tail: /(?:\s*[,(]|\s+(?:weil|seit|wenn|wo|wer|die|der|das|und (?:ich|es|mein|wir|dann|bin|habe)|aber|mit|zusammen|zur ?zeit|momentan|gerade|jetzt|auch|leider|nämlich|übrigens|schon|im (?:jahr|\p{Lu}\p{L}+)|vor \S+ (?:tag|woche|monat|jahr)\p{L}*|letzte[nrs]?|nächste[nrs]?)(?![\p{L}])).*$/u,
  article: /^(?:der|die|das|den|dem|ein|eine|einen|einem|meine?n?|alle)\s+/iu,
  empty:
    /^(?:es|das|dies(?:e[rsnm]?)?|sie|ihn|ihm|ihr|dich|dir|mich|mir|uns|euch|so|etwas|nichts|alles|jemand(?:en)?|was|wie|wenn|wo|wer|dass|ob|nicht|hier|dort|da)(?![\p{L}])/iu,
  unreal:
    /(?<![\p{L}])(?:wenn|falls|würde|würden|wäre|hätte|könnte|sollte|möchte|vielleicht|wahrscheinlich|eventuell|möglicherweise|ob|hoffe|träume|wünsch\p{L}*|angenommen|stell dir vor|überlege|fast|beinahe|zum beispiel|z\. ?b|als ob|weiß nicht)(?![\p{L}])/iu,
  rules,
  event: {
    pattern:
      /^(?:(?:fliege|reise|fahre|gehe|besuche|treffe|ziehe|heirate|beginne|starte|feiere|laufe|habe|mache|bekomme|werde|bin|habe) (?:ich|wir)|(?:ich|wir) (?:fliege|fliegen|reise|reisen|fahre|fahren|gehe|gehen|besuche|besuchen|treffe|treffen|ziehe|ziehen|heirate|heiraten|beginne|starte|feiere|feiern|laufe|habe|haben|mache|bekomme|werde|werden|bin|sind|flog|ging|war|besuchte|traf|heiratete))(?![\p{L}])/iu,
    past: /(?<![\p{L}])(?:habe|haben|bin|sind|war|flog|ging|besuchte|traf|heiratete)(?![\p{L}]).*(?:ge\p{L}+(?:t|en)|besucht|begonnen|bekommen|verloren|\p{L}+iert)(?![\p{L}])|(?<![\p{L}])(?:war|flog|ging|besuchte|traf|heiratete)(?![\p{L}])/iu,
    thing:
      /^(?:mein|meine|unser|unsere) (?:nächste[rs]? |erste[rs]? )?(?<v>\p{L}*(?:termin|prüfung|gespräch|interview|flug|hochzeit|operation|party|feier|urlaub|reise|treffen|umzug|präsentation|konzert|klausur))(?: (?:ist|war|findet|wurde))?(?: (?:jetzt|am|auf|verschoben|statt))*(?![\p{L}])/iu,
  },
}
