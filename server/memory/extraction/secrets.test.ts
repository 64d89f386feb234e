import validator from 'validator'
import { describe, expect, test } from 'vitest'
import { containsSecret } from './secrets.ts'

/** Sentences such as "My password is apple"; none of the values has a digit. */
const passwords = [
  'My password is hunter',
  'my wifi password: apple',
  'hunter is my password',
  'The PIN of my card is four zero',
  'Mein Passwort lautet geheim',
  'Mein Kennwort ist Apfel',
  'Mi contraseña es manzana',
  'Mi clave de acceso es manzana',
  'Mon mot de passe est pomme',
  'A minha senha é abacate',
  'Minha palavra-passe é abacate',
  'La mia password è segreto',
  'La mia parola d’ordine è segreto',
  'Mijn wachtwoord is appel',
  'Mitt lösenord är äpple',
  'Min adgangskode er æble',
  'Passordet mitt: eple',
  'Salasanani on omena',
  'Moje hasło to jabłko',
  'Moje heslo je jablko',
  'Parola mea este măr',
  'A jelszavam alma',
  'Мой пароль яблоко',
  'Мой пароль — яблоко',
  'Мій пароль — яблуко',
  'Ο κωδικός μου είναι μήλο',
  'Şifrem elma',
  'Parolam elma',
  'Kata sandi saya adalah apel',
  'Mật khẩu của tôi là táo',
  'मेरा पासवर्ड सेब है',
  'كلمة المرور الخاصة بي هي تفاح',
  'كلمة السر: تفاح',
  'הסיסמה שלי היא תפוח',
  '我的密码是苹果',
  '我的密碼為蘋果',
  '私のパスワードはりんごです',
  '제 비밀번호는 사과입니다',
  'รหัสผ่านของฉันคือแอปเปิ้ล',
]

const tokens = [
  'I use the key sk-abcdefghijklmnop1234567890',
  'token ghp_abcdefghijklmnopqrstuvwxyz0123456789',
  'AKIAIOSFODNN7EXAMPLE is what I use',
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N',
  '-----BEGIN RSA PRIVATE KEY-----',
  'I connect to postgres://me:secret@db.example.org/app',
  'It is a3f5c9e1b2d4f6a8c0e2b4d6f8a0c2e4',
]

const numbers = [
  'My card is 4111 1111 1111 1111',
  '5555-5555-5555-4444',
  'My Amex: 378282246310005',
  'My IBAN is DE89 3704 0044 0532 0130 00 at the bank',
  'GB82WEST12345698765432',
  'My social security number is 078-05-1120',
  'Mi DNI es 12345678Z',
  'codice fiscale RSSMRA85T10A562S',
  'meu CPF: 529.982.247-25',
]

const harmless = [
  'My name is Marta and I live in Lisbon',
  'I forgot my password',
  'I like password managers',
  'Ich habe mein Passwort vergessen',
  'Esqueci a minha senha',
  'È una bella giornata',
  'My phone has 128 GB and cost 1,299.99',
  'My ISBN is 9780306406157',
  'Order 1234567890123 arrived',
  'I was born on 1985-10-12',
  'I read https://example.org/2024-05-06-a-very-long-address-of-a-page',
  'We met in 2019, 2020, 2021, 2022 and 2023',
]

describe('secrets', () => {
  test.each(passwords)('finds the password: %s', (text) => expect(containsSecret(text)).toBe(true))
  test.each(tokens)('finds the token: %s', (text) => expect(containsSecret(text)).toBe(true))
  test.each(numbers)('finds the number: %s', (text) => expect(containsSecret(text)).toBe(true))
  test.each(harmless)('finds no secret: %s', (text) => expect(containsSecret(text)).toBe(false))

  // Test card numbers that payment providers publish.
  test.each([
    '4242424242424242',
    '4000056655665556',
    '5200828282828210',
    '2223003122003222',
    '6011111111111117',
    '30569309025904',
    '3566002020360505',
    '6200000000000005',
    '378282246310005',
  ])('finds the card number %s', (number) => {
    expect(validator.isCreditCard(number)).toBe(true)
    expect(containsSecret(`Charge ${number.replace(/(.{4})(?=.)/g, '$1 ')} please`)).toBe(true)
  })
})
