/** Words of the list of forms. */
import type { WordList } from './word-list.js';

export const FORMS = {
  searchForms: ['Search forms by title', 'Chercher un formulaire par titre'],
  noForms: ['No forms yet. Begin with a new one, or import one.', 'Aucun formulaire. Créez-en un ou importez-en un.'],
  nothingFound: ['No form has this in its title.', 'Aucun formulaire n’a cela dans son titre.'],
  moreForms: ['There are more: search to find them.', 'Il y en a d’autres : cherchez par titre.'],
  draft: ['Draft', 'Brouillon'],
  size: ['Pages: {pages}, fields: {fields}', 'Pages : {pages}, champs : {fields}'],
  hereNow: ['{count} here now', '{count} en ligne'],
  newForm: ['New form', 'Nouveau formulaire'],
  import: ['Import a form', 'Importer un formulaire'],
  importing: ['Importing…', 'Importation…'],
  dropHere: [
    'Drop a form of GC Forms, SurveyJS or Formloom here, or',
    'Déposez ici un formulaire de Formulaires GC, SurveyJS ou Formloom, ou',
  ],
  chooseFile: ['choose a file', 'choisissez un fichier'],
  unknownFile: ['“{name}” is no form that can be read here.', '« {name} » n’est pas un formulaire lisible ici.'],
  importedFrom: ['Imported from {builder}:', 'Importé de {builder} :'],
  nothingLost: ['Everything was carried over.', 'Tout a été repris.'],
  losses: ['Not carried over as it was: {count}', 'Non repris tel quel : {count}'],
} as const satisfies WordList;
