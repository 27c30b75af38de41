/**
 * What it takes to open a sheet again without a network: the form, and which sheet it is. The answers are in the local copy
 * of its document. It is found by a digest of the resume token, which itself is kept nowhere but in the address.
 */
import { openLocalCopy, type FormJson, type LocalCopy, type StartedSubmission } from '../../client/index.js';
import { ownId } from '../app/session.js';
import { browserStorage } from '../app/storage.js';

export interface KeptSheet {
  readonly id: string;
  readonly formId: string;
  readonly version: number;
  readonly form: FormJson;
}
interface Stored extends KeptSheet {
  /** Milliseconds since 1970. */
  readonly at: number;
}

const PREFIX = 'formloom.sheet.';
/** Sheets that nobody came back to. */
const KEPT_MS = 30 * 86_400_000;

/** Where the browser keeps nothing for us, the sheet needs the network to open again, as any page does. */
export async function keepSheet(
  resumeToken: string,
  { id, formId, version }: Pick<StartedSubmission, 'id' | 'formId' | 'version'>,
  form: FormJson,
): Promise<void> {
  const key = await keyOf(resumeToken);
  if (key === undefined) return;
  dropOld();
  browserStorage.set(key, JSON.stringify({ id, formId, version, form, at: Date.now() } satisfies Stored));
}

export async function keptSheet(resumeToken: string): Promise<KeptSheet | undefined> {
  const key = await keyOf(resumeToken);
  const text = key === undefined ? undefined : browserStorage.get(key);
  // Nobody but `keepSheet` writes there.
  return text === undefined ? undefined : (JSON.parse(text) as Stored);
}

/** It was handed in: others who use this browser shall not find it. */
export async function forgetSheet(resumeToken: string, copy: LocalCopy | undefined): Promise<void> {
  const key = await keyOf(resumeToken);
  if (key !== undefined) browserStorage.remove(key);
  await copy?.discard();
}

/** Private windows may have no storage: then answers live as long as the page, and on the server. */
export function openAnswers({ id, formId }: Pick<KeptSheet, 'id' | 'formId'>): Promise<LocalCopy | undefined> {
  return openLocalCopy(`form/${formId}/submission/${id}`, { user: ownId(), onError: () => undefined }).catch(
    () => undefined,
  );
}

/** Undefined where the page is not served securely: there is no service worker either. */
async function keyOf(resumeToken: string): Promise<string | undefined> {
  if (!isSecureContext || resumeToken === '') return undefined;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(resumeToken));
  return PREFIX + [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function dropOld(): void {
  for (const key of browserStorage.keys().filter((name) => name.startsWith(PREFIX))) {
    const { at } = JSON.parse(browserStorage.get(key) ?? '{"at":0}') as Pick<Stored, 'at'>;
    if (Date.now() - at > KEPT_MS) browserStorage.remove(key);
  }
}
