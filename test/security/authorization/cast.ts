/** Who calls in the matrix, and the forms that are their own. Everything is made over REST, by the administrator. */
import { restClient, type Answer, type RestClient } from '../../harness/rest-client.js';
import type { Place } from './endpoints.js';

export const ROLES = ['viewer', 'commenter', 'respondent', 'editor', 'owner', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface Actor {
  readonly name: string;
  /** Undefined without a token. */
  readonly token: string | undefined;
  /** Its role on its own form. */
  readonly role: Role | undefined;
  /** Its role on the sheet of its own form; a respondent of the form alone has none. */
  readonly sheetRole: Role | undefined;
  /** By a grant on the form alone: what others have answered is read, and decided about, not written. */
  readonly isSheetByForm: boolean;
  /** Of everything. */
  readonly isAdministrator: boolean;
  readonly own: Place;
}

/** Stands in everything of the foreign form: no answer to a stranger may hold it. */
export const SECRET = 'quicksilver-4711';
const SECONDS = 3_600;

interface Grant {
  readonly document: string;
  readonly role: Role;
}

/** For each role: with a grant on the form, and on its sheets too; the administrator; and who has no token. */
export async function castActors(http: string, adminToken: string): Promise<Actor[]> {
  const admin = restClient(http, adminToken);
  const formFor = (formId: string, commenter = adminToken): Promise<Place> =>
    makeForm({ http, adminToken, commenter, formId, word: 'harmless' });
  const plans = ROLES.flatMap((role) => [
    { role, name: `${role}-of-form`, hasSheets: false },
    { role, name: `${role}-of-tree`, hasSheets: true },
  ]);
  const actors = plans.map(async ({ role, name, hasSheets }): Promise<Actor> => {
    const formId = `mx-${name}`;
    const form = `form/${formId}`;
    const token = await mint(admin, name, [{ document: form, role }]);
    const mayComment = !['viewer', 'respondent'].includes(role);
    const own = await formFor(formId, mayComment ? token : adminToken);
    const byForm = { sheetRole: role === 'respondent' ? undefined : role, isSheetByForm: true, isAdministrator: false };
    if (!hasSheets) return { name, token, role, ...byForm, own };
    // A respondent sees a sheet by its exact name alone.
    const grants =
      role === 'respondent'
        ? [form, `${form}/submission/${own.submissionId}`].map((document) => ({ document, role }))
        : [{ document: `${form}*`, role }];
    const byName = { sheetRole: role, isSheetByForm: false, isAdministrator: false };
    return { name, token: await mint(admin, name, grants), role, ...byName, own };
  });
  const [nobodys, administrators] = await Promise.all([formFor('mx-nobody'), formFor('mx-administrator')]);
  return [
    ...(await Promise.all(actors)),
    {
      ...{ name: 'nobody', token: undefined, role: undefined, sheetRole: undefined },
      ...{ isSheetByForm: false, isAdministrator: false, own: nobodys },
    },
    {
      name: 'administrator',
      token: adminToken,
      role: 'admin',
      sheetRole: 'admin',
      isSheetByForm: false,
      isAdministrator: true,
      own: administrators,
    },
  ];
}

export interface FormPlan {
  readonly http: string;
  readonly adminToken: string;
  /** Token of who starts the thread. */
  readonly commenter: string;
  readonly formId: string;
  readonly word: string;
}

/** A published form with a sheet, a file, a thread and a snapshot, all of which say `word`. */
export async function makeForm({ http, adminToken, commenter, formId, word }: FormPlan): Promise<Place> {
  const admin = restClient(http, adminToken);
  const fields = [
    { id: 'f1', type: 'text', title: { en: word } },
    { id: 'file', type: 'file' },
  ];
  created(await admin.post('/forms', { id: formId, title: { en: word }, pages: [{ id: 'p1', fields }] }));
  await admin.post(`/forms/${formId}/publish`);
  const sheet = created(await admin.post(`/forms/${formId}/submissions`, { answers: { f1: word } }));
  const upload = new FormData();
  upload.append('file', new Blob([word], { type: 'text/plain' }), `${word}.txt`);
  const file = (await (
    await fetch(`${http}/api/v1/forms/${formId}/submissions/${sheet.id}/files`, {
      ...{ method: 'POST', headers: { authorization: `Bearer ${adminToken}` }, body: upload },
    })
  ).json()) as { id: string };
  const comments = restClient(http, commenter);
  const thread = created(await comments.post(`/forms/${formId}/threads`, { anchor: { type: 'form' }, body: word }));
  const name = encodeURIComponent(`form/${formId}`);
  const snapshot = created(await admin.post(`/documents/${name}/snapshots`, { label: word }));
  return {
    formId,
    submissionId: sheet.id,
    fileId: file.id,
    resumeToken: sheet.resumeToken,
    threadId: thread.id,
    commentId: thread.comments[0].id,
    snapshotId: snapshot.id,
  };
}

async function mint(admin: RestClient, sub: string, grants: readonly Grant[]): Promise<string> {
  return created(await admin.post('/tokens', { sub, name: sub, grants, ttlSeconds: SECONDS })).token as string;
}

function created(answer: Answer): Answer['body'] {
  if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body;
}
