import fc from 'fast-check';
import t from 'tap';
import * as Y from 'yjs';
import { allFields } from '../../logic/evaluate.js';
import { applyOperations } from '../operations/apply-operations.js';
import type { FormJson } from '../form-json.js';
import { formSchema } from '../form-schema.js';
import { guard, type GuardWriter, type Refusal } from './guard.js';
import { OperationsRefusedError } from '../operations/operations.js';
import { project } from '../project.js';
import { reimport, seedForm } from '../comparison/reimport.js';
import { inspectShape } from '../rules.js';
import { newerVersion, SchemaNewerError } from '../schema-gate.js';
import { SCHEMA_VERSION } from '../shape.js';
import { intentOf, operationOf, type Intent } from '../testing/forms.js';
import { hostileEdit, misreadRoot, type HostileEdit } from '../testing/hostile.js';

/** Updates of hostile clients that are sent in all: RUNS clients of EDITS each; 100 clients send 10,000. */
const EDITS = 100;
const RUNS = Number(process.env['FORMLOOM_TEST_HOSTILE_CLIENTS'] ?? 10);

const BASE: FormJson = formSchema.parse({
  id: 'f',
  title: { en: 'Visit', fr: 'Visite' },
  pages: [
    {
      id: 'p1',
      title: { en: 'First' },
      fields: [
        { id: 'f1', type: 'choice', title: { en: 'Kind' }, options: [{ id: 'o1', label: { en: 'New' } }] },
        { id: 'f2', type: 'text', title: { en: 'Name' }, validation: { maxLength: 9 }, properties: { color: 'red' } },
        { id: 'f3', type: 'group', fields: [{ id: 'f4', type: 'number' }] },
      ],
    },
    { id: 'p2', visibleIf: { var: 'f1' } },
  ],
});
const EDITOR: GuardWriter = { canWrite: true };

/** A server with a reader and one client, who all see each other's updates at once. */
class Room {
  readonly server = new Y.Doc();
  readonly reader = new Y.Doc();
  readonly client = new Y.Doc();
  refusals: Refusal[] = [];
  readonly #sent: Uint8Array[] = [];
  readonly #published: Uint8Array[] = [];

  /** Loaded from stored updates, as after a restart: nobody has asked for its roots. */
  constructor(
    readonly writer: GuardWriter,
    change?: (doc: Y.Doc) => void,
  ) {
    const stored = new Y.Doc();
    seedForm(stored, BASE);
    change?.(stored);
    // As on disk: the texts were written by someone who is not here any more.
    const state = Y.encodeStateAsUpdate(stored);
    for (const doc of [this.server, this.reader, this.client]) Y.applyUpdate(doc, state);
    this.client.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'server') this.#sent.push(update);
    });
    this.server.on('update', (update: Uint8Array) => this.#published.push(update));
  }

  /** What the client does, as one update or more; then they arrive, and what the server publishes does. */
  act(change: () => void): void {
    this.client.transact(change);
    for (const update of this.#sent.splice(0)) {
      this.server.transact((transaction) => {
        Y.applyUpdate(this.server, update);
        this.refusals = guard(this.server, transaction, this.writer);
      });
    }
    for (const update of this.#published.splice(0)) {
      Y.applyUpdate(this.reader, update);
      Y.applyUpdate(this.client, update, 'server');
    }
    this.#check();
  }

  form(): FormJson {
    return project(this.server, 'f');
  }

  /** What every reader must see at any time. */
  #check(): void {
    const [issue] = inspectShape(this.server);
    if (issue !== undefined) throw new Error(`${issue.path}: ${issue.message}`);
    const seen = project(this.reader, 'f');
    formSchema.parse(seen);
    if (JSON.stringify(seen) !== JSON.stringify(this.form())) throw new Error('the reader sees another form');
    if (this.server.store.pendingStructs !== null) throw new Error('something of the client is missing');
  }
}

const edits = (arbitrary: fc.Arbitrary<HostileEdit>): fc.Arbitrary<HostileEdit[]> =>
  fc.array(arbitrary, { minLength: EDITS, maxLength: EDITS, size: 'max' });

void t.test(
  'row 13: no hostile update leaves anything that is no form, and the next legal edit of that client stands',
  async () => {
    fc.assert(
      fc.property(edits(hostileEdit), (edits) => {
        const room = new Room(EDITOR);
        for (const edit of edits) {
          room.act(() => edit(room.client));
        }
        room.act(() => void reimport(room.client, BASE));
        if (JSON.stringify(room.form()) !== JSON.stringify(project(room.client, 'f')))
          throw new Error('client and server differ');
        if (room.form().title['en'] !== 'Visit' || allFields(room.form().pages[0]?.fields ?? []).length !== 4) {
          throw new Error('the legal edit was lost');
        }
      }),
      { numRuns: RUNS },
    );
  },
);

void t.test('no hostile update of a form whose writes are kept leaves anything that is no form', async () => {
  fc.assert(
    fc.property(edits(hostileEdit), (edits) => {
      const room = new Room(EDITOR, (doc) => doc.getMap('meta').set('policy', { default: 'manual', fields: {} }));
      for (const edit of edits) room.act(() => edit(room.client));
      for (const [key, entry] of room.server.getMap('conflicts').entries()) {
        if (JSON.stringify(room.reader.getMap('conflicts').get(key)) !== JSON.stringify(entry))
          throw new Error('the reader sees other entries');
      }
      const { policy } = room.server.getMap('meta').toJSON();
      if (JSON.stringify(policy) !== '{"default":"manual","fields":{}}') throw new Error('the policy was changed');
      if (room.server.getMap('locks').size > 0) throw new Error('a client has locked something');
    }),
    { numRuns: 4 },
  );
});

void t.test('a root that was never asked for is guarded too', async () => {
  fc.assert(
    fc.property(fc.oneof(misreadRoot, hostileEdit), (edit) => {
      const room = new Room(EDITOR);
      const fresh = new Y.Doc();
      edit(fresh);
      room.act(() => Y.applyUpdate(room.client, Y.encodeStateAsUpdate(fresh)));
    }),
    { numRuns: 50 },
  );
});

void t.test('what was undone is what stood there before, with a reason for its author', async (t) => {
  const room = new Room(EDITOR);
  const field = (): Y.Map<unknown> => room.client.getMap('fields').get('f2') as Y.Map<unknown>;
  const wrongs: [change: () => void, target: string, property: string][] = [
    [() => field().set('type', 'nonsense'), 'fields/f2', 'type'],
    [() => field().delete('position'), 'fields/f2', 'position'],
    [() => field().set('required', 1), 'fields/f2', 'required'],
    [() => field().set('title', 'not by language'), 'fields/f2', 'title'],
    [() => (field().get('title') as Y.Map<unknown>).set('en', new Y.Array()), 'fields/f2', 'title.en'],
    [() => (field().get('validation') as Y.Map<unknown>).set('toString', 1), 'fields/f2', 'validation.toString'],
    [() => field().set('hack', 1), 'fields/f2', 'hack'],
    [() => room.client.getMap('fields').set('f2', 'gone'), 'fields/f2', ''],
    [() => room.client.getMap('fields').set('no id!', new Y.Map()), 'fields/no id!', ''],
    [() => room.client.getMap('pages').set('p1', new Y.Text()), 'pages/p1', ''],
    [() => room.client.getMap('meta').set('title', new Y.Array()), 'form', 'title'],
  ];
  const { clientID } = room.server;
  for (const [change, target, property] of wrongs) {
    room.act(change);
    t.same(room.form(), BASE, `${target} ${property}`);
    t.match(room.refusals, [{ target, property, code: 'invalid_shape' }]);
  }
  t.equal(room.server.clientID, clientID, 'corrections do not cost the server its client id each time');
});

void t.test('of a new field with something wrong in it, the rest stands', async (t) => {
  const room = new Room(EDITOR);
  const title = new Y.Map<unknown>(Object.entries({ en: new Y.Text('New'), 'not a language': 'x' }));
  const field = { position: 'a9', type: 'email', page: 'p2', title, junk: 1 };
  room.act(() => room.client.getMap('fields').set('new', new Y.Map<unknown>(Object.entries(field))));
  t.match(room.form().pages[1]?.fields, [{ id: 'new', type: 'email', title: { en: 'New' } }]);
  t.same(room.refusals.map(({ property }) => property).sort(), ['junk', 'title.not a language']);
});

void t.test('a write that lost against another costs no text its identity', async (t) => {
  const room = new Room({ canWrite: false });
  const behind = new Y.Doc();
  behind.clientID = 1;
  Y.applyUpdate(behind, Y.encodeStateAsUpdate(room.server));
  const field = room.server.getMap('fields').get('f2') as Y.Map<unknown>;
  room.server.clientID = 2 ** 32 - 1;
  field.set('required', true);
  const kept = field.get('title');
  (behind.getMap('fields').get('f2') as Y.Map<unknown>).set('required', false);
  room.act(() => Y.applyUpdate(room.client, Y.encodeStateAsUpdate(behind)));
  t.equal(field.get('required'), true);
  t.equal(field.get('title'), kept);
});

/** Somebody with fewer rights, who edits as if there were none and now and then as if there were no form. */
const limited = fc.array(fc.oneof({ weight: 4, arbitrary: intentOf() }, { weight: 1, arbitrary: hostileEdit }), {
  minLength: 8,
  maxLength: 8,
});

/** Texts as editors for rich text leave them, so that these are restored too. */
function enrich(doc: Y.Doc): void {
  const [one, other] = ['f2', 'f4'].map((id) => (doc.getMap('fields').get(id) as Y.Map<Y.Map<unknown>>).get('title'));
  const rich = new Y.XmlFragment();
  one?.set('en', rich);
  const paragraph = new Y.XmlElement('paragraph');
  paragraph.setAttribute('align', 'left');
  rich.insert(0, [paragraph]);
  paragraph.insert(0, [new Y.XmlText('Your name')]);
  const bold = new Y.Text();
  other?.set('en', bold);
  bold.applyDelta([{ insert: 'How ' }, { insert: 'many', attributes: { bold: true } }, { insert: { embed: 1 } }]);
}

function attempt(room: Room, what: Intent | HostileEdit, newId: string): void {
  if (typeof what === 'function') {
    what(room.client);
    return;
  }
  const operation = operationOf(project(room.client, 'f'), what, newId);
  try {
    if (operation !== undefined) applyOperations(room.client, 'f', [operation]);
  } catch (error) {
    if (!(error instanceof OperationsRefusedError)) throw error;
  }
}

/** @param scope the part of a form that must not change */
function keeps(writer: GuardWriter, scope: (form: FormJson) => unknown): void {
  fc.assert(
    fc.property(limited, (attempts) => {
      const room = new Room(writer, enrich);
      const before = JSON.stringify(scope(room.form()));
      attempts.forEach((what, i) => {
        room.act(() => attempt(room, what, `n${i}`));
        const after = JSON.stringify(scope(room.form()));
        if (after !== before) throw new Error(`${before}\nbecame\n${after}`);
      });
    }),
    { numRuns: 20 },
  );
}

const withoutFrench = (form: FormJson): unknown =>
  JSON.parse(JSON.stringify(form, (key, value: unknown) => (key === 'fr' ? undefined : value)));

void t.test('whoever may not write changes nothing, whatever is tried', async () => {
  keeps({ canWrite: false }, (form) => form);
});

void t.test('a translator changes the texts of one language alone', async () => {
  keeps({ canWrite: true, languages: ['fr'] }, withoutFrench);
});

void t.test('an editor of one field changes that field alone', async () => {
  keeps({ canWrite: true, paths: ['fields/f2'] }, ({ pages, ...form }) => ({
    ...form,
    pages: pages.map((page) => ({ ...page, fields: undefined })),
    fields: Object.fromEntries(
      pages
        .flatMap((page) => allFields(page.fields))
        .filter(({ id }) => id !== 'f2')
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map((field) => [field.id, { ...field, fields: undefined }]),
    ),
  }));
});

void t.test('a translator whose edit was undone goes on with legal ones', async (t) => {
  const room = new Room({ canWrite: true, languages: ['fr'] }, enrich);
  const before = room.form();
  const setTitle = (language: string, value: string): void => {
    room.act(() => void applyOperations(room.client, 'f', [{ op: 'setTitle', target: 'fields/f1', language, value }]));
  };
  setTitle('en', 'Sort');
  t.match(room.refusals, [{ target: 'fields/f1', property: 'title.en', code: 'forbidden' }]);
  t.same(room.form(), before);
  setTitle('fr', 'Genre');
  t.same(room.refusals, []);
  t.same(room.form().pages[0]?.fields[0]?.title, { en: 'Kind', fr: 'Genre' });
  t.same(withoutFrench(room.form()), withoutFrench(before));
});

void t.test('a locked field is for its holder until the lock ends; others are told who has it', async (t) => {
  const lock = { holder: { id: 'ada', name: 'Ada' }, since: 0, until: 1_000 };
  const locked = (doc: Y.Doc): void => void doc.getMap('locks').set('f2', lock);
  const writer = (id: string, at: number): GuardWriter => ({ canWrite: true, principal: { id }, at });
  const rename = (room: Room): void =>
    room.act(
      () =>
        void applyOperations(room.client, 'f', [
          { op: 'insertText', target: 'fields/f2', property: 'title', language: 'en', index: 0, text: 'Full ' },
          { op: 'setProperty', target: 'fields/f2', path: 'required', value: true },
          { op: 'setProperty', target: 'fields/f1', path: 'required', value: true },
        ]),
    );
  const titleOf = (room: Room): unknown => room.form().pages[0]?.fields[1]?.title['en'];

  const other = new Room(writer('bob', 999), locked);
  rename(other);
  t.same([titleOf(other), other.form().pages[0]?.fields[1]?.required], ['Name', false]);
  t.equal(other.form().pages[0]?.fields[0]?.required, true, 'other fields are free');
  const message = 'the field is locked by Ada until 1970-01-01T00:00:01.000Z';
  t.same(other.refusals.map(({ property, code, message }) => ({ property, code, message })).sort(byProperty), [
    { property: 'required', code: 'locked', message },
    { property: 'title.en', code: 'locked', message },
  ]);
  other.act(() => other.client.getMap('fields').delete('f2'));
  t.match(other.refusals, [{ target: 'fields/f2', code: 'locked' }]);
  other.act(() => {
    other.client.getMap('locks').delete('f2');
    (other.client.getMap('fields').get('f2') as Y.Map<unknown>).set('required', true);
  });
  t.same(other.refusals.map(({ code }) => code).sort(), ['forbidden', 'locked'], 'who breaks the lock gains nothing');
  t.same(other.form().pages[0]?.fields[1]?.required, false);

  for (const [id, at] of [
    ['ada', 999],
    ['bob', 1_000],
  ] as const) {
    const room = new Room(writer(id, at), locked);
    rename(room);
    t.same([titleOf(room), room.refusals.length], ['Full Name', 0], `${id} at ${at}`);
  }
});

const byProperty = (a: { property: string }, b: { property: string }): number => (a.property < b.property ? -1 : 1);

void t.test('a form of a later version is neither repaired by servers nor written by old clients', async (t) => {
  const later = (doc: Y.Doc): void => {
    doc.getMap('meta').set('schemaVersion', SCHEMA_VERSION + 1);
    doc.getMap('meta').set('novelty', new Y.Array());
  };
  const server = new Y.Doc();
  const client = new Y.Doc();
  later(client);
  Y.applyUpdate(server, Y.encodeStateAsUpdate(client));
  const before = Y.encodeStateVector(server);
  client.getMap('meta').set('novelty', 1);
  server.transact((transaction) => {
    Y.applyUpdate(server, Y.encodeStateAsUpdate(client));
    t.same(guard(server, transaction, EDITOR), []);
    transaction.local = true;
  });
  t.equal(Y.decodeStateVector(before).has(server.clientID), false);
  t.equal(Y.decodeStateVector(Y.encodeStateVector(server)).has(server.clientID), false, 'the server wrote nothing');
  const operation = { op: 'setTitle', target: 'form', language: 'en', value: 'Old' } as const;
  t.throws(() => applyOperations(client, 'f', [operation]), SchemaNewerError);
  t.throws(() => reimport(client, BASE), { code: 'schema_newer', version: SCHEMA_VERSION + 1 });
  t.equal(newerVersion(client), SCHEMA_VERSION + 1);
  formSchema.parse(project(client, 'f'));

  const room = new Room({ ...EDITOR, isOwner: true });
  room.act(() => room.client.getMap('meta').set('schemaVersion', SCHEMA_VERSION + 1));
  t.match(room.refusals, [{ property: 'schemaVersion', code: 'invalid_shape' }], 'nobody raises it over the wire');
});
