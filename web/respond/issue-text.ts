/** What is wrong with an answer, in the language of the reader. */
import type { FieldJson } from '../../crdt/form/form-json.js';
import type { AnswerIssue } from '../../crdt/submission/inspect-sheet.js';
import type { Wording } from '../app/language.js';
import type { WordKey } from '../words/index.js';

const FORMATS: Readonly<Partial<Record<FieldJson['type'], WordKey>>> = {
  email: 'issueEmail',
  url: 'issueUrl',
  phone: 'issuePhone',
  number: 'issueNumber',
  date: 'issueDate',
};

export function issueText(t: Wording['t'], { type, validation, repeat }: FieldJson, { code }: AnswerIssue): string {
  switch (code) {
    case 'required':
      return t('issueRequired');
    case 'minLength':
      return t('issueMinLength', { count: validation.minLength ?? 0 });
    case 'maxLength':
      return t('issueMaxLength', { count: validation.maxLength ?? 0 });
    case 'min':
      return t('issueMin', { value: validation.min ?? '' });
    case 'max':
      return t('issueMax', { value: validation.max ?? '' });
    case 'minItems':
      return t('issueMinItems', { count: validation.minItems ?? repeat?.min ?? 1 });
    case 'maxItems':
      return t('issueMaxItems', { count: validation.maxItems ?? repeat?.max ?? 1 });
    case 'accept':
      return t('issueAccept', { kinds: validation.accept?.join(', ') ?? '' });
    case 'maxBytes':
      return t('issueMaxBytes', { size: Math.floor((validation.maxBytes ?? 0) / 1024) });
    case 'step':
      return t('issueStep', { step: validation.step ?? 1 });
    case 'duplicate':
    case 'unique':
      return t('issueUnique');
    case 'format':
    case 'type':
      return t(FORMATS[type] ?? 'issueFormat');
    case 'pattern':
    case 'option':
      return t('issueFormat');
  }
}
