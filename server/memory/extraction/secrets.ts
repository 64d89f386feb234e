import validator from 'validator'

/** Names of secrets in languages that separate words with spaces. */
const spacedNames = [
  'pass ?words?|pass ?phrase|pass ?code|pwd?|pin(?: code| number)?|puk|cvv|cvc|otp|one-time code|security code|recovery (?:code|phrase|key)|seed phrase|private key|secret key|api[ _-]?(?:key|token)|access[ _-]?(?:key|token)|auth(?:entication)? token|bearer|client secret',
  'passwor[dt]|kennwort|geheimzahl|zugangscode|wiederherstellungscode|contrase[nñ]a|clave(?: de acceso| secreta)?|c[oó]digo (?:de seguridad|pin)|mot de passe|code (?:secret|pin)|parola d.ordine|codice segreto|senha|palavra-passe',
  'wachtwoord|lösenord(?:et)?|adgangskoden?|passord(?:et)?|salasana(?:ni)?|hasło|heslo|jelsz(?:ó|avam)|parol\\p{L}{0,4}|şifre\\p{L}{0,4}|пароль?|пин-?код|κωδικός|kata sandi|mật khẩu|पासवर्ड|و?كلمة (?:السر|المرور|سري|مروري)|הסיסמ[הא] שלי',
  'social security(?: number| no\\.?)?|ssn|passport (?:number|no\\.?)|national id(?:entity)?(?: number)?|identity card number|id card number|driver.?s licen[sc]e number|tax (?:id|number)|nin|sozialversicherungsnummer|steuer-?(?:id|nummer|identifikationsnummer)|(?:reise)?passnummer|personalausweisnummer|ausweisnummer|n[uú]mero de (?:pasaporte|la seguridad social|tarjeta|cuenta)|dni|nie|nif|num[eé]ro de (?:s[eé]curit[eé] sociale|passeport|carte|compte)|codice fiscale|cpf|bsn|pesel|personnummer',
  '(?:credit|debit|bank) ?card (?:number|no\\.?)|account number|routing number|sort code|kontonummer|kartennummer|iban',
].join('|')
/** Names of secrets in scripts without spaces: letters may come directly before and after. */
const unspacedNames = '密码|密碼|口令|身份证(?:号码?)?|パスワード|暗証番号|비밀번호|암호|รหัสผ่าน'
const secretName = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${spacedNames})(?![\\p{L}\\p{N}])|(?:${unspacedNames})`,
  'giu',
)

/** A value follows the name of its secret within this many characters; limits the work per name. */
const windowCharacters = 80
const copulas =
  'is|was|ist|war|lautet|es|era|est|è|é|este|är|er|on|to|je|jest|это|це|là|adalah|είναι|هي|هو|היא'
/**
 * Follows a name whose value is given: punctuation such as a colon, a form of "to be", or a digit. `\b` supports only
 * ASCII letters.
 */
const assignment = new RegExp(
  `[:=：＝–—]\\s*\\S|(?<![\\p{L}\\p{N}])(?:${copulas})(?![\\p{L}\\p{N}])\\s*\\S|\\p{N}`,
  'iu',
)
/** The same for languages without a word for "is" between the name and its value: "Şifrem elma", "Пароль яблоко". */
const directAssignment = /^(?:parol|şifre|jelsz|парол|пин|पासवर्ड|و?كلمة|הסיסמ)[^\n]{0,12}?\s+[\p{L}\p{N}]/iu
const unspacedAssignment = /^[^\s。！？]{0,8}?(?:は|が|是|为|為|는|은|คือ)\s*[^\s。！？?]/u
/** "hunter2 is my password" */
const valueFirst = new RegExp(
  `\\S\\s{1,3}(?:${copulas})\\s{1,3}(?:\\p{L}{1,12}\\s{1,3}){0,3}(?:${spacedNames})(?![\\p{L}\\p{N}])`,
  'iu',
)

/**
 * Formats of keys, tokens and identity numbers. Repetitions are bounded, so that the work is constant for each start
 * position.
 */
const shapes: RegExp[] = [
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/,
  /\b(?:sk|pk|rk)[-_](?:live|test|proj|ant|or)?[-_]?[A-Za-z0-9_-]{16}/,
  /\b(?:gh[pousr]_[A-Za-z0-9]{20}|github_pat_\w{20}|glpat-[\w-]{16}|xox[abeoprs]-[\w-]{10}|hf_[A-Za-z0-9]{20}|npm_[A-Za-z0-9]{30}|AIza[\w-]{30}|ya29\.[\w-]{20}|A(?:KIA|SIA)[A-Z0-9]{16})/,
  // JSON Web Token (RFC 7519): header and payload are JSON objects, so both begin with the base64 of `{"`.
  /(?<![\w-])eyJ[\w-]{8,400}\.eyJ[\w-]{8}/,
  // A URL with a password.
  /\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s/:@]{1,200}:[^\s/@]{1,200}@/i,
  // A US social security number; a Spanish DNI or NIE; an Italian tax code; a British national insurance number.
  /(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)/,
  /(?<![\p{L}\p{N}])(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z](?![\p{L}\p{N}])/u,
  /(?<![\p{L}\p{N}])[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z](?![\p{L}\p{N}])/iu,
  /(?<![\p{L}\p{N}])[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![\p{L}\p{N}])/u,
  // A French social security number, with or without its check digits; a Brazilian CPF.
  /(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3}(?: ?\d{2})?(?!\d)/i,
  /(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)/,
]
const cardLike = /(?<![\d.,])\d(?:[ -]?\d){12,18}(?![\d.,]?\d)/g
const ibanLike = /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}/giu
const tokenLike = /(?<![\w/.-])[A-Za-z0-9+/_-]{24,}/g

/**
 * Whether a text contains data that must never be stored: a password, key or token, a card or account number, or the
 * number of an identity document. Runs in time linear in the text.
 */
export function containsSecret(text: string): boolean {
  const plain = text.normalize('NFKC')
  return (
    namesValue(plain) ||
    shapes.some((shape) => shape.test(plain)) ||
    some(plain, cardLike, (match) => validator.isCreditCard(match)) ||
    some(plain, ibanLike, beginsWithIban) ||
    some(plain, tokenLike, looksRandom)
  )
}

function namesValue(text: string): boolean {
  for (const { 0: name, index } of text.matchAll(secretName)) {
    const end = index + name.length
    const after = text.slice(end, end + windowCharacters)
    if (assignment.test(after) || unspacedAssignment.test(after)) return true
    if (directAssignment.test(name + after)) return true
  }
  return valueFirst.test(text)
}

const some = (text: string, pattern: RegExp, test: (match: string) => boolean): boolean =>
  text.matchAll(pattern).some(([match]) => test(match))

/** Words after an IBAN may look like a part of it, so every possible length is checked. */
function beginsWithIban(match: string): boolean {
  const code = match.replaceAll(' ', '')
  for (let length = 15; length <= Math.min(34, code.length); length++)
    if (validator.isIBAN(code.slice(0, length))) return true
  return false
}

/** Whether letters and digits alternate more than in words and names. */
function looksRandom(token: string): boolean {
  const changes = token.match(/\d(?=[A-Za-z])|[A-Za-z](?=\d)|[a-z](?=[A-Z])/g)?.length ?? 0
  return /\d/.test(token) && /[a-z]/i.test(token) && changes >= 5
}
