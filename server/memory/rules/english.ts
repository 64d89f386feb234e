import { anyCase, clause, properName, type Rule, type RuleSet, rest } from './rule.ts'

const am = "(?:i'm|i am|im)"
const have = "(?:i've|i have|we've|we have|i|we)"
const often =
  '(?:(?:really|absolutely|just|also|still|do|truly|always|especially|particularly|actually|totally|quite|recently|finally|currently|now|both|only) )*'
const notMore = "(?:no longer|don't|do not|never|didn't|did not)"
const anyMore = /\b(?:any ?more|any longer|no longer|these days)\b/i

const kin: Record<string, string> = Object.fromEntries(
  `mother mom mum mama:mother=mother mom mum mama|father=father dad papa|sister=sister|brother=brother|wife=wife|husband=husband|partner=partner spouse|
  girlfriend=girlfriend|boyfriend=boyfriend|fiance=fiance fiancé fiancée fiancee|son=son|daughter=daughter|child=child kid|grandmother=grandmother grandma nana|
  grandfather=grandfather grandpa|cousin=cousin|uncle=uncle|aunt=aunt|nephew=nephew|niece=niece|friend=friend buddy mate|boss=boss manager|
  colleague=colleague coworker co-worker|roommate=roommate flatmate housemate|neighbour=neighbour neighbor|therapist=therapist|dog=dog puppy|cat=cat kitten|
  horse=horse|parrot=parrot|rabbit=rabbit|hamster=hamster|stepmother=stepmother|stepfather=stepfather|teacher=teacher|doctor=doctor`
    .split('|')
    .map((line) => line.trim().split('='))
    .flatMap(([name = '', words = '']) => words.split(' ').map((word) => [word, name.split(':')[1] ?? name])),
)
const relative = `(?<kin>(?:(?:older|younger|elder|little|big|twin|best|baby|half|eldest|oldest|youngest)[ -])?(?:${Object.keys(kin).join('|')}))`
const kinOf = (text = ''): string => {
  const word = text.toLowerCase()
  if (word.startsWith('best friend')) return 'best_friend'
  return kin[word.split(/[ -]/).at(-1) ?? ''] ?? word
}

const occupations =
  /^(?:\w+[ -]){0,3}(?:\w*(?:er|or|ist|ian|eer|man|woman|nurse|chef|cook|clerk|student|pilot|architect|surgeon|paramedic|barista|athlete|coach|judge|scientist|analyst|accountant|assistant|consultant|freelancer|professor|developer|designer|engineer|executive|apprentice|veterinarian|vet|soldier|monk|priest|poet|journalist|intern|retiree|translator|lawyer))$/i
const notOccupation =
  /(?:\b(?:lover|believer|beginner|loner|reader|listener|owner|follower|user|member|supporter|eater|sleeper|runner-up|fighter|survivor|smoker|drinker|outsider|winner|loser|killer|bother|minor|better|bigger|older|younger|other|never|person|starter|newcomer|stranger|customer|sinner|monster|human|woman|man|father|mother|brother|sister|number|walker|talker|over-?thinker|perfectionist|morning person)\b)$/i

/** "The texture" is that of something in sight; "the sea" is not. Nor is a taste what a pronoun stands in for. */
const pointsAway =
  /^(?:the (?!\p{Lu})(?!(?:sea|seaside|beach|mountains?|ocean|outdoors|countryside|city|cold|heat|rain|snow|sun|forest|woods|desert|theat(?:re|er)|cinema|opera|ballet|colou?r|\d0s|dark|night|smell of|sound of|taste of|piano|guitar|violin|gym)(?![\p{L}]))|.*(?<![\p{L}])(?:it|them|this|that|these|those|here|there|one|everyone)(?![\p{L}]))/u
/** That somebody loves their family is no taste. */
const lovesSomebody = new RegExp(`(?:my|our) ${relative}(?![\\p{L}])`, 'iu')

const preference =
  (liked: boolean): Rule['make'] =>
  ({ v = '', all = '', raw = '' }) =>
    lovesSomebody.test(all) ||
    pointsAway.test(raw) ||
    /^(?:it|that|this|these|those|them|him|her|you|your|how|when|what|the (?:way|idea|fact|sound|look|first|second|last)|to (?:know|see|hear|ask|thank|think)|everything about|being able)\b/i.test(
      v,
    )
      ? undefined
      : { type: 'preference', attribute: `likes ${v}`, value: liked ? 'yes' : 'no', importance: 0.5 }

const fact =
  (
    attribute: string,
    importance: number,
    more: Partial<ReturnType<Rule['make']> & object> = {},
  ): Rule['make'] =>
  ({ v = '' }) => ({ type: 'fact', attribute, value: v, importance, ...more })

const dwelling =
  /^(?:(?:\p{L}+ ){0,3})(?:apartment|flat|house|room|studio|loft|condo|cottage|villa|dorm|place|village|town|city|suburb|part)(?: (?:in|near|of))+ (?=\p{Lu})/u

const place = (more: Partial<ReturnType<Rule['make']> & object> = {}): Rule['make'] => {
  const make = fact('residence', 0.7, more)
  return (groups) => {
    const v = (groups['v'] ?? '').replace(dwelling, '')
    const isNowhere =
      /^(?:my|our|your|fear|hope|peace|denial|constant|total|this|that|here|there|it|with|small|big|old|new|shared)(?![\p{L}])/iu
    return isNowhere.test(v) || !/\p{L}/u.test(v) ? undefined : make({ ...groups, v })
  }
}

/** What somebody else is or does: `my sister Ana lives in Porto`. */
const others: [source: string, attribute: string][] = [
  ['(?:now |currently )?(?:lives?|is living|resides?|is based) in ', 'residence'],
  ['(?:just |recently )?(?:has |have )?(?:just )?moved to ', 'residence'],
  ['(?:now |currently )?works? (?:at|for) ', 'employer'],
  ['(?:now |currently )?works? as (?:an? )?', 'occupation'],
  ['(?:is|are) (?:\\w+ )?allergic to ', 'allergy'],
  ['(?:studies|is studying) ', 'study'],
]

const rules: Rule[] = [
  // Names
  {
    pattern: anyCase(
      `my (?:full |real |first |given )?name(?:'s| is) (?:now )?(?<v>\\p{L}[\\p{L}'’-]*(?: \\p{L}[\\p{L}'’.-]*){0,3})[.!]*$`,
    ),
    make: ({ v = '' }) =>
      /^(?:not|on|in|the|a|an|hard|difficult|too|spelled|often|usually|very|unusual|common)\b/i.test(v)
        ? undefined
        : { type: 'fact', attribute: 'name', value: v, importance: 0.9 },
  },
  { pattern: clause(`(?:I'm|I am|i'm|i am) (?:called|named) ${properName}[.!]*$`), make: fact('name', 0.9) },
  {
    pattern: clause(`(?:You can |you can |Please |please |Just |just )*[Cc]all me ${properName}[.!]*$`),
    make: fact('nickname', 0.9),
  },
  {
    pattern: clause(`(?:[Ii]'m|[Ii] am) (?<v>\\p{Lu}\\p{Ll}+(?:-\\p{Lu}\\p{Ll}+)?)[.!]*$`),
    make: ({ v = '', greeted = '' }) =>
      greeted === '' ||
      /(?:ish|ese|ian|ean|can|man|rman|nch|utch|wiss|reek|hai|zech|ole|ane|inn|urk|erb|roat|raeli|qi|rab|indu|uslim|ewish|atholic|hristian|uddhist)$/.test(
        v,
      )
        ? undefined
        : { type: 'fact', attribute: 'name', value: v, importance: 0.9 },
  },
  { pattern: anyCase('my pronouns are (?<v>\\p{L}+(?:/\\p{L}+)+)'), make: fact('pronouns', 0.9) },

  // Where
  {
    pattern: anyCase(`(?:i|we)(?:'m| am|'re| are)? ${often}(?:live|living|reside|based) in ${rest}`),
    make: place(),
  },
  {
    pattern: anyCase(
      `${have} ${often}(?:just |recently )?(?:relocated|moved)(?: back| over| out)? to ${rest}`,
    ),
    make: place({ lean: 'past' }),
  },
  { pattern: anyCase(`(?:i|we) used to live in ${rest}`), make: place({ holds: 'ended' }) },
  {
    pattern: anyCase(`(?:i|we) ${notMore} live in ${rest}`),
    make: (groups) => place({ holds: anyMore.test(groups['all'] ?? '') ? 'ended' : 'denied' })(groups),
  },
  {
    pattern: anyCase(
      `(?:i|we) (?:have )?(?:moved|left)(?: away| out)?(?: of| from)? ${properName}(?: for good)?[.!]*$`,
    ),
    make: place({ holds: 'ended', lean: 'past' }),
  },
  {
    pattern: clause(
      `(?:[Ii]'m|[Ii] am|[Ii]) (?:originally )?(?:from|come from|came from|grew up in|was born (?:and raised )?in) ${properName}`,
    ),
    make: ({ v = '', all = '' }) =>
      /born in \d/i.test(all) ? undefined : { type: 'fact', attribute: 'origin', value: v, importance: 0.6 },
  },
  { pattern: anyCase('my (?:time ?zone) is (?<v>\\S+)'), make: fact('timezone', 0.6) },

  // Work and study
  {
    pattern: anyCase(`(?:i|we) (?:${notMore}|used to|stopped) work(?:ing)? (?:at|for) ${rest}`),
    make: (groups) =>
      fact('employer', 0.65, {
        holds:
          /^i (?:don't|do not|never|didn't|did not) /i.test(groups['all'] ?? '') &&
          !anyMore.test(groups['all'] ?? '')
            ? 'denied'
            : 'ended',
      })(groups),
  },
  {
    pattern: clause(
      `[Ii](?:'m|'ve| am| have)? ${often}(?:been )?(?:work(?:ing)?|employed|started(?: working| a (?:new )?job)?|got a (?:new )?job|joined)(?: at| for| with| by)? (?:an? (?:company|startup|firm) called )?${properName}`,
    ),
    make: ({ v = '', all = '' }) =>
      / (?:work|working|employed) \p{Lu}/u.test(all)
        ? undefined
        : { type: 'fact', attribute: 'employer', value: v, importance: 0.65 },
  },
  {
    pattern: anyCase(
      `i(?:'ve| have)? (?:quit|left|lost|resigned from) my (?:job|position)(?: (?:at|with) ${properName})?`,
    ),
    make: ({ v = '' }) => ({
      type: 'fact',
      attribute: 'employer',
      value: v,
      holds: 'ended',
      importance: 0.65,
      lean: 'past',
    }),
  },
  {
    pattern: anyCase(
      `i(?:'m|'ve been| am| have been)? ${often}(?:work(?:ing)?|employed) as (?:an? |the )?${rest}`,
    ),
    make: fact('occupation', 0.65),
  },
  {
    pattern: anyCase(
      `i(?:'ve| have)? (?:just |recently )?(?:became|become) (?:an? |the )(?<v>[\\p{L} -]{3,50}?)[.!]*$`,
    ),
    make: ({ v = '' }) =>
      occupations.test(v) && !notOccupation.test(v)
        ? { type: 'fact', attribute: 'occupation', value: v, importance: 0.65 }
        : undefined,
  },
  {
    pattern: anyCase(
      `${am} ${often}(?:an?|the) (?<v>[\\p{L} -]{3,50}?)(?:(?:,| (?:at|for|by|in|from|and|who|with|based|of|but) ).*)?[.!]*$`,
    ),
    make: ({ v = '' }) =>
      occupations.test(v) && !notOccupation.test(v)
        ? { type: 'fact', attribute: 'occupation', value: v, importance: 0.65 }
        : undefined,
  },
  {
    pattern: anyCase(
      `${am} (?:now |currently )?(?<v>retired|unemployed|self-employed|between jobs|on parental leave)\\b`,
    ),
    make: fact('occupation', 0.65),
  },
  {
    pattern: anyCase(`my (?:job|profession|occupation) is (?:being )?(?:an? )?${rest}`),
    make: fact('occupation', 0.65),
  },
  {
    pattern: anyCase(
      `i(?:'m| am)? ${often}(?:study|studying|majoring in|doing a (?:phd|master's?|degree) in) ${rest}`,
    ),
    make: ({ v = '' }) =>
      /^(?:for|the|this|that|it|my|hard|a lot|every|at|with)\b/i.test(v)
        ? undefined
        : { type: 'fact', attribute: 'study', value: v, importance: 0.6 },
  },

  // Numbers of one's life
  {
    pattern: anyCase(
      `(?:${am}|i(?:'ve| have)? (?:just )?turned) (?<v>\\d{1,3})(?: years? old| yo| y/o)?(?: (?:now|today|yesterday|last \\w+|this \\w+))?[.!]*$`,
    ),
    make: ({ v = '' }) =>
      Number(v) > 3 && Number(v) < 120
        ? { type: 'fact', attribute: 'age', value: v, importance: 0.6 }
        : undefined,
  },
  {
    pattern: anyCase("my birthday(?:'s| is) (?:on )?(?:the )?(?<v>[\\p{L}\\d ,./-]{3,30}?)[.!]*$"),
    make: ({ v = '' }) =>
      /^(?:coming|soon|today|tomorrow|next|this|in|over|not)\b/i.test(v)
        ? undefined
        : { type: 'fact', attribute: 'birthday', value: v, importance: 0.7 },
  },
  {
    pattern: anyCase('i was born (?:on|in) (?<v>(?=[\\p{L} ,.]*\\d)[\\p{L}\\d ,./-]{4,30}?)[.!]*$'),
    make: fact('birthday', 0.7),
  },
  {
    pattern: anyCase(`${am} (?<v>\\d(?:[.,]\\d+)? ?m|\\d{3} ?cm|\\d'\\d{1,2}"?)(?: tall)?\\b`),
    make: fact('height', 0.4),
  },
  {
    pattern: anyCase('i weigh (?:about |around )?(?<v>\\d+ ?(?:kg|kilos?|pounds|lbs?))\\b'),
    make: fact('weight', 0.4),
  },

  // Others in one's life
  {
    pattern: anyCase(
      `my ${relative}(?:'s (?:name is|called|named)| is (?:called|named)|, (?:called|named)| named| called|'s name's) (?<v>["“]?\\p{L}[\\p{L}'’-]+)`,
    ),
    make: ({ v = '', kin: word }) => ({
      type: 'relationship',
      attribute: `relation ${kinOf(word)}`,
      value: v.replace(/["“]/g, ''),
      importance: 0.7,
    }),
  },
  ...others.map(
    ([verb, attribute]): Rule => ({
      pattern: clause(`[Mm]y ${relative}(?:,? (?<who>\\p{Lu}[\\p{L}'’-]+),?)? ${verb}${rest}`),
      make: ({ v = '', kin: word, who }) => ({
        type: 'fact',
        subject: [kinOf(word), who?.toLowerCase()].filter(Boolean).join(' '),
        attribute: attribute === 'allergy' ? `allergy ${v}` : attribute,
        value: attribute === 'allergy' ? 'yes' : v,
        importance: 0.55,
      }),
    }),
  ),
  {
    pattern: clause(
      `(?:.{0,60}?\\b)?(?<brief>(?:[Mm]y|[Oo]ur) ${relative},? (?<v>\\p{Lu}[\\p{L}'’-]+))(?!\\S)`,
    ),
    make: ({ v = '', kin: word }) =>
      /^(?:I|Is|Has|And|But|Was|Will|God)$/.test(v)
        ? undefined
        : {
            type: 'relationship',
            attribute: `relation ${kinOf(word)}`,
            value: v.replace(/'s$/, ''),
            importance: 0.7,
          },
  },
  {
    pattern: clause(
      `(?:[Ii]|[Ww]e)(?:'ve| have)?(?: got| have| adopted| own| bought)* (?:an? |one |two |three )?(?:new |young |old |little )*(?<kin>dogs?|cats?|puppy|kitten|horse|parrot|rabbit|hamster)(?:,? (?:named|called) )(?<v>["“]?\\p{L}[\\p{L}'’-]+)`,
    ),
    make: ({ v = '', kin: word = '' }) => ({
      type: 'relationship',
      attribute: `relation ${kinOf(word.replace(/s$/, ''))}`,
      value: v.replace(/["“]/g, ''),
      importance: 0.7,
    }),
  },
  {
    pattern: anyCase(
      `(?:i|we)(?:'ve| have)?(?: got)? have? ?(?<v>no|one|two|three|four|five|six|\\d{1,2}) (?:\\p{L}+ )?(?<kin>kids?|children|siblings|brothers?|sisters?|sons?|daughters?|dogs?|cats?|grandchildren)\\b`,
    ),
    make: ({ v = '', kin: word = '' }) => ({
      type: 'relationship',
      attribute: `count ${word
        .replace(/s$/i, '')
        .replace(/^(?:children|kid)$/i, 'child')
        .toLowerCase()}`,
      value: v.toLowerCase(),
      importance: 0.65,
    }),
  },
  {
    pattern: anyCase(
      `(?:${am}|i got|we got|we're|we are|i(?:'ve| have) been) (?:now |just |finally |recently |newly |happily )*(?<v>married|single|divorced|engaged|widowed|separated)\\b`,
    ),
    make: ({ v = '' }) => ({
      type: 'fact',
      attribute: 'marital_status',
      value: v.toLowerCase(),
      importance: 0.7,
      lean: 'past',
    }),
  },
  {
    pattern: anyCase(
      `(?:my ${relative} and i|i|we)(?:'ve| have)? (?:just |recently |finally )?(?:broke|broken|split|separated)(?: up)?(?: (?:with|from) (?:my )?(?<v>\\p{L}+))?`,
    ),
    make: ({ v = '', kin: word }) => ({
      type: 'relationship',
      attribute: `relation ${kinOf(word ?? v)}`,
      value: '',
      holds: 'ended',
      importance: 0.7,
      lean: 'past',
    }),
  },

  // Body and table
  {
    pattern: anyCase(
      `i(?:'m| am)? (?:${notMore} |not |no longer )(?:allergic to|have an? allergy to) ${rest}`,
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
      `${am} (?:(?:severely|very|highly|also|mildly|deathly) )*(?:allergic|intolerant) to ${rest}`,
    ),
    make: ({ v = '' }) => ({ type: 'fact', attribute: `allergy ${v}`, value: 'yes', importance: 0.95 }),
  },
  {
    pattern: anyCase(
      'i have an? (?:(?:severe|bad|mild|serious) )*(?:allergy to (?<v>\\p{L}+(?: \\p{L}+)?)|(?<v>\\p{L}+(?: \\p{L}+)?) (?:allergy|intolerance))[.!]*$',
    ),
    make: ({ v = '', all = '' }) =>
      /allergy|intolerance/i.test(all)
        ? { type: 'fact', attribute: `allergy ${v}`, value: 'yes', importance: 0.95 }
        : undefined,
  },
  {
    pattern: anyCase(`${am} (?<v>lactose|gluten|fructose|histamine)[ -]intolerant`),
    make: ({ v = '' }) => ({ type: 'fact', attribute: `allergy ${v}`, value: 'yes', importance: 0.95 }),
  },
  {
    pattern: anyCase(
      `(?:${am}|i(?:'ve| have)? (?:just |recently )?(?:become|became|gone|went|turned)) (?:now |an? |a strict |strictly |mostly )*(?<v>vegan|vegetarian|pescatarian|flexitarian|carnivore|keto|halal|kosher)\\b`,
    ),
    make: ({ v = '' }) => ({
      type: 'preference',
      attribute: 'diet',
      value: v.toLowerCase(),
      importance: 0.85,
    }),
  },
  {
    pattern: anyCase(`${am} (?:no longer|not) (?:an? )?(?<v>vegan|vegetarian|pescatarian|keto)\\b`),
    make: (groups) => ({
      type: 'preference',
      attribute: 'diet',
      value: groups['v']?.toLowerCase() ?? '',
      holds: anyMore.test(groups['all'] ?? '') ? 'ended' : 'denied',
      importance: 0.85,
    }),
  },
  {
    pattern: anyCase(
      `i (?:have|suffer from|was diagnosed with|have been diagnosed with|live with) (?:mild |severe |chronic |type [12] )*(?<v>(?:asthma|diabetes|adhd|autism|epilepsy|migraines?|dyslexia|depression|anxiety|arthritis|hypertension|insomnia|celiac disease|coeliac disease|crohn's(?: disease)?|ibs|ocd|ptsd|endometriosis|psoriasis|eczema|tinnitus|cancer|multiple sclerosis))\\b`,
    ),
    make: fact('health', 0.85, {}),
  },
  {
    pattern: anyCase(`i (?<no>don't|do not|never|no longer) (?<verb>eat|drink) ${rest}`),
    make: ({ v = '', verb = '' }) => ({
      type: 'preference',
      attribute: `${verb.toLowerCase()}s ${v}`,
      value: 'no',
      importance: 0.75,
    }),
  },
  {
    pattern: anyCase(
      `i(?:'ve| have)? (?:quit|stopped|given up|gave up) (?<v>smoking|drinking|eating meat|sugar|coffee|caffeine|alcohol)\\b`,
    ),
    make: ({ v = '' }) => ({
      type: 'fact',
      attribute: `habit ${v}`,
      value: 'no',
      importance: 0.7,
      lean: 'past',
    }),
  },

  // Likes
  {
    pattern: anyCase(
      `i(?:'ve| have)? ${often}(?:can't stand|cannot stand|can not stand|hate|loathe|detest|dislike|despise|(?:don't|do not|didn't|no longer|never)(?: really| particularly| much)* (?:like|love|enjoy|care for|liked)) (?:eating |drinking )?${rest}`,
    ),
    make: preference(false),
    list: true,
  },
  {
    pattern: anyCase(
      `${am} (?:not|no longer) (?:really )?(?:into|fond of|keen on|(?:a )?(?:big |huge )?fan of|an? (?:big |huge )?fan of) ${rest}`,
    ),
    make: preference(false),
    list: true,
  },
  {
    pattern: anyCase(`i used to (?:like|love|enjoy) ${rest}`),
    make: ({ v = '' }) => ({
      type: 'preference',
      attribute: `likes ${v}`,
      value: 'yes',
      holds: 'ended',
      importance: 0.5,
    }),
  },
  {
    pattern: anyCase(
      `i(?:'ve| have)? ${often}(?:love|like|enjoy|adore|prefer|come to love|grown to like)(?:d)? (?:eating |drinking )?${rest}`,
    ),
    make: preference(true),
    list: true,
  },
  {
    pattern: anyCase(
      `${am} ${often}(?:(?:very |really )?(?:into|fond of|keen on|obsessed with|passionate about)|an? (?:big |huge |massive )?fan of) ${rest}`,
    ),
    make: preference(true),
    list: true,
  },
  {
    pattern: anyCase(
      `my (?:all-time |absolute |new )*favou?rite (?<what>\\p{L}[\\p{L} ]{2,30}?) (?:is|are) (?:now )?${rest}`,
    ),
    make: ({ v = '', what = '' }) => ({
      type: 'preference',
      attribute: `favourite ${what.toLowerCase()}`,
      value: v,
      importance: 0.6,
    }),
  },

  // Skills, tools, things
  {
    pattern: clause(
      `[Ii] (?:(?:also|can|only|mostly|fluently) )*speak (?:fluent |some |a little |a bit of )?(?<v>\\p{Lu}\\p{L}+(?:(?:, |,? and | and )\\p{Lu}\\p{L}+)*)`,
    ),
    list: true,
    make: ({ v = '' }) => ({
      type: 'fact',
      attribute: `speaks ${v.toLowerCase()}`,
      value: 'yes',
      importance: 0.6,
    }),
  },
  {
    pattern: anyCase(
      `i(?:'ve| have)? ${often}(?:play|been playing) (?:the )?(?<v>piano|guitar|violin|drums|bass|flute|cello|saxophone|trumpet|chess|tennis|football|soccer|basketball|volleyball|golf|hockey|badminton|rugby|cricket|ukulele|harp|clarinet)\\b`,
    ),
    make: ({ v = '' }) => ({
      type: 'fact',
      attribute: `plays ${v.toLowerCase()}`,
      value: 'yes',
      importance: 0.5,
    }),
  },
  {
    pattern: anyCase(
      `(?:${am}|i(?:'ve| have) (?:started|been)) ${often}(?:learning|taking (?:up|lessons in)) (?:to play (?:the )?|to speak |how to )?${rest}`,
    ),
    make: ({ v = '' }) =>
      /^(?:about|that|how|a lot|a ton|tons|lots|so much|more|from|it|this)\b/i.test(v)
        ? undefined
        : { type: 'fact', attribute: `learns ${v}`, value: 'yes', importance: 0.5 },
  },
  {
    pattern: anyCase(
      `i ${often}(?:drive|own|ride) (?:an? )?(?<v>[\\p{L}\\p{N}][\\p{L}\\p{N} -]{2,30}?)[.!]*$`,
    ),
    make: ({ v = '' }) =>
      /^(?:to|home|there|my|the|it|slow|fast|everyone|people|me)\b/i.test(v)
        ? undefined
        : { type: 'fact', attribute: 'car', value: v, importance: 0.4 },
  },
  { pattern: anyCase(`${am} (?<v>left|right)-handed`), make: fact('handedness', 0.4) },
  {
    pattern: anyCase(
      `i (?:usually |always |normally |often |generally )?(?<v>(?:go |get |wake |work |do |run|swim|cycle|jog|meditate|practise|practice|train|exercise|cook|walk|read|volunteer|play)[\\p{L} ]{0,40}? (?:every (?:other )?(?:day|morning|evening|night|week|weekend|\\p{Lu}\\p{L}+day)|twice a week|once a week|daily|on (?:week(?:ends|days)|\\p{Lu}\\p{L}+days)))`,
    ),
    make: ({ v = '' }) => ({ type: 'fact', attribute: `habit ${v}`, value: 'yes', importance: 0.45 }),
  },
]

export const english: RuleSet = {
  language: 'eng',
  filler:
    /^(?:(?:and|but|so|because|since|although|though|while|well|also|oh|yes|yeah|yep|no|nope|nah|ok|okay|hi|hello|hey|hiya|actually|btw|by the way|fyi|for your information|just so you know|note that|please note(?: that)?|(?:please )?(?:remember|keep in mind|don't forget|note)(?: that)?|for the record|(?:as|like) i (?:said|mentioned|told you)(?: before)?|as mentioned|to be honest|tbh|honestly|frankly|as you know|you know|you should know(?: that)?|let me tell you(?: that)?|anyway|correction|sorry|update|good news|bad news|guess what|i think i (?:told|mentioned) you(?: that)?|i (?:just )?(?:wanted|want) (?:to (?:tell you|say|let you know|mention|add)|you to know)(?: that)?|in fact|basically|obviously|personally|unfortunately|luckily|sadly|fortunately|recently|lately|nowadays|these days|right now|at the moment|currently|now)[,.!:]*\s+)+/iu,
  tail: /(?:\s*[,(]|\s+(?:with|since|for (?:a|an|the|my|about|over|almost|nearly|more|work|now|\d|\p{L}+ (?:years|months|weeks))|because|where|when|while|who|which|but|so|after|before|until|though|although|too|as well|either|anymore|any more|any longer|these days|nowadays|right now|at the moment|now|currently|recently|today|yesterday|tomorrow|tonight|last|next|this|again|already|ago|please|by the way|btw|actually|though|thanks|in (?:19|20)\d\d|in (?:january|february|march|april|may|june|july|august|september|october|november|december)|(?:a|an|two|three|four|five|\d+|few|several|a few|couple of) (?:\p{L}+ )?(?:day|week|month|year)s? ago|and (?:i|it|my|we|then|would|have|am|so|now|that|they|he|she))(?![\p{L}])).*$/iu,
  article: /^(?:the|a|an|some|my|our|all|any|most|kind of|going to|to)\s+/iu,
  empty:
    /^(?:it|that|this|these|those|them|him|her|you|me|us|one|ones|there|here|so|such|something|anything|nothing|everything|someone|anyone|what|how|when|where|which|who|why|if|whether|not|being|doing so)(?![\p{L}])/iu,
  unreal:
    /(?<![\p{L}])(?:if|would|wouldn't|could|might|may(?= (?:be|have|not|go|move))|maybe|perhaps|probably|possibly|should|shouldn't|wish|hope|dream(?:ed|t|ing)? (?:of|about|that)|i'd|we'd|let's say|suppose|imagine|thinking (?:of|about)|consider(?:ing|ed)?|almost|nearly|pretend|hypothetically|what if|in theory|for example|e\.g|such as when|feels? like|as though|sort of|am i|do i|did i|have i|not sure|forgot|can't remember|don't know)(?![\p{L}])/iu,
  rules,
  event: {
    pattern:
      /^(?:i|we)(?:'m|'ll|'ve|'re| am| will| have| are| just| also| finally| recently| shall)* (?:going to |gonna |about to |planning to )?(?:fly(?:ing)?|flew|travel(?:l?ing|l?ed)?|leav(?:e|ing)|left|go(?:ing)?|went|visit(?:ing|ed)?|meet(?:ing)?|met|start(?:ing|ed)?|begin(?:ning)?|began|mov(?:e|ing)|get(?:ting)? (?:married|engaged|a|an|my|our|the)|got (?:married|engaged|promoted|a|an|my|our|the)|hav(?:e|ing) (?:a|an|my|our|the|dinner|lunch|surgery)|had (?:a|an|my|our|the|dinner|lunch|surgery)|see(?:ing)?|saw|run(?:ning)?|ran|attend(?:ing|ed)?|graduat(?:e|ing|ed)|finish(?:ing|ed)?|tak(?:e|ing)|took|bought|buy(?:ing)?|adopt(?:ing|ed)?|won|lost|pass(?:ed)?|fail(?:ed)?|sign(?:ing|ed)|join(?:ing|ed)?|celebrat(?:e|ing|ed)|present(?:ing|ed)?|giv(?:e|ing)|gave|defend(?:ing|ed)?|submit(?:ting|ted)?|publish(?:ing|ed)?|launch(?:ing|ed)?|retir(?:e|ing|ed)|hik(?:e|ing|ed)|camp(?:ing|ed)?|climb(?:ing|ed)?|arriv(?:e|ing|ed)|return(?:ing|ed)?|turn(?:ing|ed)?|mee?t|compet(?:e|ing|ed)|perform(?:ing|ed)?|broke|sold|sell(?:ing)?|quit(?:ting)?|host(?:ing|ed)?|volunteer(?:ing|ed)?)(?![\p{L}])/iu,
    past: /(?<![\p{L}])(?:flew|went|left|met|started|began|moved|got|had|saw|ran|attended|graduated|finished|took|bought|adopted|won|lost|passed|failed|signed|joined|celebrated|presented|gave|defended|submitted|published|launched|retired|hiked|camped|climbed|arrived|returned|turned|competed|performed|broke|sold|hosted|volunteered|visited|travell?ed|was|were|been|quit)(?![\p{L}])/iu,
    thing:
      /^(?:my|our) (?:next |first |big |upcoming )*(?<v>(?:[\p{L}']+ ){0,2}?(?:interview|appointment|exam|test|meeting|flight|wedding|party|surgery|operation|deadline|presentation|concert|trip|vacation|holiday|graduation|defen[cs]e|marathon|race|move|checkup|check-up|anniversary|due date|conference|talk|match|recital|checkout|visa appointment))(?:'s| is| was| has been| got| will be|'ll be| starts| takes place)?(?: (?:now|moved|rescheduled|postponed|scheduled|set|due|planned|on|to|for|from|until|brought forward))*(?![\p{L}])/iu,
  },
}
