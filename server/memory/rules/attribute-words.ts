/**
 * Words by which people ask for what stands in a slot, besides those it was said in: "Where do I live?" finds "I moved
 * to Lisbon". By attribute (or its first word), in the languages of the rules.
 */
const asked: Record<string, Record<string, string>> = {
  name: { eng: 'name called', deu: 'name heißen heiße', spa: 'nombre llamo', fra: 'nom prénom appelle' },
  nickname: { eng: 'name called', deu: 'name nennen', spa: 'nombre llamar', fra: 'nom appeler' },
  residence: {
    eng: 'live lives home city town address country moved',
    deu: 'wohne lebe wohnort stadt zuhause adresse gezogen',
    spa: 'vivo vivir ciudad casa hogar mudado',
    fra: 'habite vis ville domicile déménagé',
  },
  origin: {
    eng: 'from born origin grew hometown',
    deu: 'herkunft komme geboren aufgewachsen',
    spa: 'origen nací',
    fra: 'origine né viens',
  },
  employer: {
    eng: 'work works job company employer',
    deu: 'arbeite arbeit firma arbeitgeber job',
    spa: 'trabajo empresa empleo',
    fra: 'travaille entreprise travail emploi',
  },
  occupation: {
    eng: 'work job profession occupation career',
    deu: 'beruf arbeit job',
    spa: 'trabajo profesión',
    fra: 'métier travail profession',
  },
  study: {
    eng: 'study studies university major degree',
    deu: 'studium studiere universität',
    spa: 'estudio universidad carrera',
    fra: 'études université étudie',
  },
  age: { eng: 'age old years', deu: 'alter alt jahre', spa: 'edad años', fra: 'âge ans' },
  birthday: {
    eng: 'birthday born birth',
    deu: 'geburtstag geboren',
    spa: 'cumpleaños nacimiento',
    fra: 'anniversaire naissance',
  },
  marital_status: {
    eng: 'married single relationship',
    deu: 'verheiratet ledig beziehung',
    spa: 'casado soltero',
    fra: 'marié célibataire',
  },
  diet: {
    eng: 'diet eat food cook recipe meal meat restaurant dinner',
    deu: 'essen ernährung kochen rezept fleisch restaurant',
    spa: 'comer comida dieta receta carne restaurante',
    fra: 'manger repas régime recette viande restaurant',
  },
  allergy: {
    eng: 'allergy allergic eat food cook recipe meal restaurant dinner',
    deu: 'allergie allergisch essen kochen rezept restaurant',
    spa: 'alergia alérgico comer comida receta restaurante',
    fra: 'allergie allergique manger repas recette restaurant',
  },
  health: {
    eng: 'health illness condition',
    deu: 'gesundheit krankheit',
    spa: 'salud enfermedad',
    fra: 'santé maladie',
  },
  likes: {
    eng: 'like love favourite favorite enjoy prefer',
    deu: 'mag gern liebe',
    spa: 'gusta gustan',
    fra: 'aime préfère',
  },
  eats: {
    eng: 'eat food diet cook recipe',
    deu: 'essen esse kochen',
    spa: 'comer como comida',
    fra: 'mange manger repas',
  },
  drinks: { eng: 'drink drinks', deu: 'trinken trinke', spa: 'beber bebo', fra: 'boire bois' },
  speaks: {
    eng: 'language languages speak',
    deu: 'sprache sprachen spreche',
    spa: 'idioma idiomas hablo',
    fra: 'langue langues parle',
  },
  relation: {
    eng: 'family name called',
    deu: 'familie heißt name',
    spa: 'familia llama',
    fra: 'famille appelle',
  },
  appointment: {
    eng: 'appointment calendar schedule when',
    deu: 'termin kalender',
    spa: 'cita calendario',
    fra: 'rendez-vous agenda',
  },
  event: {
    eng: 'plan plans calendar trip',
    deu: 'plan pläne vorhaben reise',
    spa: 'plan planes viaje',
    fra: 'plan projets voyage',
  },
}

/** The words by which a slot is asked for, in a language. */
export const wordsAskedFor = (attribute: string, language: string | null): string =>
  asked[attribute.split(' ')[0] ?? '']?.[language ?? 'eng'] ?? ''
