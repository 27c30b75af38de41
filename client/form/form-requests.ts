/** What is done to a form by request: docs/rest.md says what each answers. */
import type { FormInput, FormJson } from '../../crdt/form/form-json.js';
import type { Connection } from '../connection/connection.js';
import { delivered } from '../connection/delivered.js';
import type { RestCaller } from '../rest/caller.js';

export interface Published {
  readonly dryRun: boolean;
  readonly version: number;
  /** RFC 3339; null for a dry run. */
  readonly publishedAt: string | null;
  readonly changes: readonly unknown[];
  /** What the changes mean for answers. */
  readonly impact: readonly unknown[];
}

/** Each throws RequestRefusedError. */
export interface FormRequests {
  create(form?: Omit<FormInput, 'id'>): Promise<FormJson>;
  /**
   * It waits until the server has what was written here.
   *
   * @param dryRun what would change, and what it means for answers
   * @throws ConnectionClosedError when there are edits that the server does not have, and no line to it
   */
  publish(options?: { readonly dryRun?: boolean }): Promise<Published>;
  version(version: number): Promise<FormJson>;
  versions(): Promise<{ data: readonly { version: number; publishedAt: string }[]; nextCursor: string | null }>;
  delete(): Promise<unknown>;
}

export function formRequests(rest: RestCaller, formId: string, connection: Connection): FormRequests {
  const path = `/forms/${encodeURIComponent(formId)}`;
  return {
    create: (form = {}) => rest.request('POST', '/forms', { body: { ...form, id: formId } }),
    publish: async ({ dryRun } = {}) => {
      await delivered(connection);
      return rest.request('POST', `${path}/publish`, { query: { dryRun } });
    },
    version: (version) => rest.request('GET', path, { query: { version } }),
    versions: () => rest.request('GET', `${path}/versions`),
    delete: () => rest.request('DELETE', path),
  };
}
