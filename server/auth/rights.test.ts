import t from 'tap';
import { ROLES, type Action, type Grant, type Principal, type Role } from './principal.js';
import { can, mayAdminister, mayWriteOverSync, roleOn, scopeOn } from './rights.js';

const ACTIONS: readonly Action[] = ['read', 'write', 'comment', 'respond', 'own', 'administer'];
const FORM = 'form/x';
const COMMENTS = 'form/x/comments';
const SHEET = 'form/x/submission/1';

const having = (...grants: Grant[]): Principal => ({ id: 'ada', isAnonymous: false, grants });
const allowed = (principal: Principal, document: string): string =>
  ACTIONS.filter((action) => can(principal, document, action)).join(' ');

void t.test('each role may do what the table says', async (t) => {
  const table: Record<Role, string> = {
    viewer: 'read',
    commenter: 'read comment',
    respondent: 'read respond',
    editor: 'read write comment',
    owner: 'read write comment own',
    admin: 'read write comment respond own administer',
  };
  for (const role of ROLES) t.equal(allowed(having({ document: FORM, role }), FORM), table[role], role);
  t.equal(allowed(having(), FORM), '');
});

void t.test('a grant covers its exact name, or all names with its prefix', async (t) => {
  const covers = (pattern: string, document: string): boolean =>
    can(having({ document: pattern, role: 'viewer' }), document, 'read');
  const cases: [string, string, boolean][] = [
    ['form/x', 'form/x', true],
    ['form/x', 'form/xy', false],
    ['form/x', 'form/x/1', false],
    ['form/x', 'FORM/x', false],
    ['form/*', 'form/x', true],
    ['form/*', 'form/', true],
    ['form/*', 'form', false],
    ['form/*', 'other/form/x', false],
    ['form/tenant-*', 'form/tenant-1', true],
    ['form/tenant-*', 'form/tenant', false],
    ['*', 'anything at all', true],
    // Only a final star is a pattern, and it is nothing but a prefix.
    ['form/*/x', 'form/a/x', false],
    ['form/**', 'form/*x', true],
    ['form/**', 'form/x', false],
    ['form/.', 'form/x', false],
  ];
  for (const [pattern, document, expected] of cases)
    t.equal(covers(pattern, document), expected, `${pattern} ${document}`);
});

void t.test('who may see a form sees its threads and reads its answer sheets', async (t) => {
  const editor = having({ document: FORM, role: 'editor' });
  t.equal(allowed(editor, COMMENTS), 'read write comment');
  t.notOk(mayWriteOverSync(editor, COMMENTS), 'threads are written by the server');
  t.notOk(mayWriteOverSync(having({ document: '*', role: 'admin' }), COMMENTS), 'for an admin as well');
  t.ok(mayWriteOverSync(editor, FORM));
  t.equal(allowed(editor, SHEET), 'read', 'answers are written by who gives them');
  t.equal(allowed(having({ document: FORM, role: 'owner' }), SHEET), 'read own');
  t.equal(
    allowed(having({ document: FORM, role: 'admin' }), SHEET),
    allowed(having({ document: FORM, role: 'admin' }), FORM),
  );
  t.equal(allowed(having({ document: FORM, role: 'editor', languages: ['fr'] }), SHEET), '', 'a translator reads none');
  t.equal(allowed(having({ document: 'form/y', role: 'owner' }), SHEET), '');
  t.equal(allowed(having({ document: 'form/x/*', role: 'editor' }), SHEET), 'read write comment');
});

void t.test('a respondent reaches the form and a sheet of its own, nothing else', async (t) => {
  const everywhere = having({ document: '*', role: 'respondent' });
  t.equal(allowed(everywhere, FORM), 'read respond');
  t.equal(allowed(everywhere, COMMENTS), '');
  t.equal(allowed(everywhere, SHEET), '', 'a prefix opens nobody else’s answers');
  const own = having({ document: SHEET, role: 'respondent' });
  t.equal(allowed(own, SHEET), 'read write respond');
  t.ok(mayWriteOverSync(own, SHEET));
  t.equal(allowed(own, FORM), '');
});

void t.test('of several grants the strongest role counts, and rights add up', async (t) => {
  const principal = having(
    { document: '*', role: 'viewer' },
    { document: 'form/*', role: 'commenter' },
    { document: FORM, role: 'owner' },
  );
  t.equal(roleOn(principal, 'other'), 'viewer');
  t.equal(roleOn(principal, 'form/y'), 'commenter');
  t.equal(roleOn(principal, FORM), 'owner');
  t.equal(roleOn(having({ document: FORM, role: 'owner' }), 'other'), undefined);
  t.equal(
    allowed(having({ document: '*', role: 'respondent' }, { document: '*', role: 'viewer' }), FORM),
    'read respond',
  );
});

void t.test('only an admin of everything administers the server', async (t) => {
  t.ok(mayAdminister(having({ document: '*', role: 'admin' })));
  t.notOk(mayAdminister(having({ document: 'form/*', role: 'admin' })));
  t.notOk(mayAdminister(having({ document: '*', role: 'owner' })));
});

void t.test('scopes are joined only as far as that widens nothing', async (t) => {
  const scope = (...limits: Partial<Grant>[]): object =>
    scopeOn(having(...limits.map((limit) => ({ document: FORM, role: 'editor' as const, ...limit }))), FORM);
  t.strictSame(scope({}), {});
  t.strictSame(scope({ languages: ['fr'] }), { languages: ['fr'] });
  t.strictSame(scope({ languages: ['fr'] }, { languages: ['de', 'fr'] }), { languages: ['fr', 'de'] });
  t.strictSame(scope({ paths: ['a'], languages: ['fr'] }, { paths: ['b'], languages: ['fr'] }), {
    paths: ['a', 'b'],
    languages: ['fr'],
  });
  t.strictSame(scope({ paths: ['a'] }, { languages: ['fr'] }), { paths: ['a'] }, 'the earlier stands');
  t.strictSame(
    scope({ paths: ['a'] }, { role: 'owner', languages: ['fr'] }),
    { languages: ['fr'] },
    'the stronger stands',
  );
  t.strictSame(scope({ paths: ['a'] }, {}), {}, 'an unlimited grant limits nothing');
  t.strictSame(
    scope({ paths: ['a'] }, { role: 'viewer' }),
    { paths: ['a'] },
    'a grant that does not write is none here',
  );
});
