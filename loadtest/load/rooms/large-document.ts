/** A document as it is after weeks of work by several people: many fields, texts typed in pieces. */
import * as Y from 'yjs';
import { TEXT } from './typing.js';

export interface LargeDocument {
  /** The whole state as one update. */
  readonly state: Uint8Array;
  readonly text: string;
  /** Entries of the map `elements`. */
  readonly fields: number;
}

const AUTHORS = 8;
const FIELDS = 414;
const PIECES_PER_FIELD = 8;
const WORDS = [
  'name ',
  'of the ',
  'applicant ',
  'as it stands ',
  'in the register ',
  'since ',
  'the year ',
  'of birth ',
];

/** About 223 kB; the same bytes every time. */
export function largeDocument(): LargeDocument {
  const docs = Array.from({ length: AUTHORS }, (_, author) => {
    const doc = new Y.Doc();
    doc.clientID = 2_000 + author;
    return doc;
  });
  const whole = new Y.Doc();
  for (let field = 0; field < FIELDS; field++) {
    const doc = docs[field % AUTHORS];
    if (doc === undefined) continue;
    const before = Y.encodeStateVector(whole);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(whole, Y.encodeStateVector(doc)));
    addField(doc, field);
    Y.applyUpdate(whole, Y.encodeStateAsUpdate(doc, before));
  }
  const state = Y.encodeStateAsUpdate(whole);
  const text = whole.getText(TEXT).toJSON();
  for (const doc of [...docs, whole]) doc.destroy();
  return { state, text, fields: FIELDS };
}

function addField(doc: Y.Doc, number: number): void {
  const text = doc.getText(TEXT);
  const id = `field-${number.toString().padStart(4, '0')}`;
  doc.transact(() => {
    const field = new Y.Map<unknown>();
    doc.getMap('elements').set(id, field);
    field.set('type', number % 3 === 0 ? 'textArea' : 'textField');
    field.set('required', number % 2 === 0);
    field.set('order', `a${number.toString(36)}`);
    field.set('title', new Y.Text(`Question ${number}: please give your answer as completely as you can`));
    field.set(
      'description',
      new Y.Text('Text that explains to people what they are asked, and why it is needed here.'),
    );
    field.set('validation', { maxLength: 500, pattern: '', message: '' });
  });
  for (let piece = 0; piece < PIECES_PER_FIELD; piece++) {
    const word = WORDS[(number + piece) % WORDS.length] ?? '';
    text.insert((number * 31 + piece * 17) % (text.length + 1), word);
  }
}
