/** Words for what must stay with its owner, before a value: passwords and the numbers of papers and accounts. */
const named = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${[
    'pass ?words?|pass ?phrase|pass ?code|pw|pin(?: code| number)?|puk|cvv|cvc|otp|one-time code|security code|recovery (?:code|phrase|key)|seed phrase|private key|secret key|api[ _-]?(?:key|token)|access[ _-]?(?:key|token)|auth(?:entication)? token|bearer|client secret',
    'passwor[dt]|kennwort|geheimzahl|zugangscode|wiederherstellungscode|contrase[nñ]a|clave(?: de acceso| secreta)?|c[oó]digo de seguridad|mot de passe|code secret|code pin|parola d.ordine|senha|wachtwoord|lösenord|adgangskode|salasana|hasło|пароль|пин-код|şifre|密码|密碼|パスワード|暗証番号|비밀번호|كلمة (?:السر|المرور)|รหัสผ่าน|mật khẩu',
    'social security(?: number| no\\.?)?|ssn|passport (?:number|no\\.?)|national id(?:entity)?(?: number)?|identity card number|id card number|driver.?s licen[sc]e number|tax (?:id|number)|nin|sozialversicherungsnummer|steuer-?(?:id|nummer|identifikationsnummer)|(?:reise)?passnummer|personalausweisnummer|ausweisnummer|n[uú]mero de (?:pasaporte|la seguridad social|tarjeta|cuenta)|dni|nie|nif|num[eé]ro de (?:s[eé]curit[eé] sociale|passeport|carte|compte)|codice fiscale|cpf|bsn|pesel|personnummer|身份证(?:号码?)?',
    '(?:credit|debit|bank) ?card (?:number|no\\.?)|account number|routing number|sort code|kontonummer|kartennummer|iban',
  ].join('|')})(?![\\p{L}\\p{N}])`,
  'iu',
)
/** What follows such a word when the secret itself is told: a value with a figure, a mark, or after "is" or a colon. */
const told = /(?:[:=：]|\b(?:is|ist|lautet|es|est|è|é)\b|(?:は|是|为|為))\s*\S+|\S*\d\S*/iu

const shapes: RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b(?:sk|pk|rk)[-_](?:live|test|proj|ant|or)?[-_]?[A-Za-z0-9_-]{16,}/,
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|A(?:KIA|SIA)[A-Z0-9]{16})\b/,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+/,
  /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:[^\s/@]+@/i,
  // A US social security number; a Spanish DNI or NIE; an Italian tax code; a British national insurance number.
  /(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)/,
  /(?<![\p{L}\p{N}])(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z](?![\p{L}\p{N}])/u,
  /(?<![\p{L}\p{N}])[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z](?![\p{L}\p{N}])/iu,
  /(?<![\p{L}\p{N}])[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![\p{L}\p{N}])/u,
  // A French social security number, with or without its key; a Brazilian CPF.
  /(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3}(?: ?\d{2})?(?!\d)/i,
  /(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)/,
]
const cardLike = /(?<![\d.,])\d(?:[ -]?\d){12,18}(?![\d.,]?\d)/g
const ibanLike = /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}/giu
const tokenLike = /(?<![\w/.-])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w/])/g

/** Whether a text holds something that is never kept: a card number, an IBAN, a password, a key or token, the number of a personal document. */
export function holdsSecret(text: string): boolean {
  const plain = text.normalize('NFKC')
  const word = named.exec(plain)
  if (word && told.test(plain.slice(word.index + word[0].length))) return true
  if (shapes.some((shape) => shape.test(plain))) return true
  if ([...plain.matchAll(cardLike)].some(([match]) => passesLuhn(match.replace(/\D/g, '')))) return true
  if ([...plain.matchAll(ibanLike)].some(([match]) => isIban(match))) return true
  return [...plain.matchAll(tokenLike)].some(([match]) => looksRandom(match))
}

function passesLuhn(digits: string): boolean {
  if (/^(\d)\1+$/.test(digits)) return false
  let sum = 0
  for (const [i, digit] of [...digits].toReversed().entries()) {
    const twice = Number(digit) * (i % 2 === 1 ? 2 : 1)
    sum += twice > 9 ? twice - 9 : twice
  }
  return sum % 10 === 0
}

/** A stretch that begins like an IBAN may run on into the words after it: every length that an IBAN can have is tried. */
function isIban(match: string): boolean {
  const code = match.replace(/ /g, '').toUpperCase()
  for (let length = 15; length <= Math.min(34, code.length); length++) {
    const iban = code.slice(0, length)
    const figures = `${iban.slice(4)}${iban.slice(0, 4)}`.replace(
      /[A-Z]/g,
      (letter) => `${letter.charCodeAt(0) - 55}`,
    )
    let rest = 0
    for (const figure of figures) rest = (rest * 10 + Number(figure)) % 97
    if (rest === 1) return true
  }
  return false
}

/** Figures and letters of both cases through each other, as no word and no name has them. */
function looksRandom(token: string): boolean {
  const changes = token.match(/\d(?=[a-z])|[a-z](?=\d)|[a-z](?=[A-Z])/gi)?.length ?? 0
  return /\d/.test(token) && /[a-z]/i.test(token) && changes >= 5
}
