/** What kinds of fields are called. */
import type { FieldType } from '../../crdt/form/form-json.js';
import type { Pair } from './word-list.js';

const TYPES: Readonly<Record<FieldType, Pair>> = {
  text: ['Short text', 'Texte court'],
  paragraph: ['Long text', 'Texte long'],
  email: ['Email', 'Courriel'],
  phone: ['Telephone', 'Téléphone'],
  url: ['Web address', 'Adresse web'],
  number: ['Number', 'Nombre'],
  date: ['Date', 'Date'],
  time: ['Time', 'Heure'],
  datetime: ['Date and time', 'Date et heure'],
  choice: ['One choice', 'Choix unique'],
  choices: ['Several choices', 'Choix multiples'],
  dropdown: ['Dropdown', 'Liste déroulante'],
  ranking: ['Ranking', 'Classement'],
  rating: ['Rating', 'Évaluation'],
  scale: ['Scale', 'Échelle'],
  matrix: ['Matrix', 'Grille'],
  boolean: ['Yes or no', 'Oui ou non'],
  file: ['File', 'Fichier'],
  signature: ['Signature', 'Signature'],
  statement: ['Statement', 'Énoncé'],
  group: ['Group', 'Groupe'],
  calculated: ['Calculated', 'Calculé'],
  hidden: ['Hidden', 'Masqué'],
  address: ['Address', 'Adresse'],
};

export const typeWord = (type: FieldType, language: 'en' | 'fr'): string => TYPES[type][language === 'en' ? 0 : 1];
