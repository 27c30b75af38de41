/**
 * Forms of a later version of the shape than this code knows: read as far as they can be read, never written and never
 * repaired, because what looks wrong here may be right there.
 */
import type * as Y from 'yjs';
import { mapRoot, ROOTS, SCHEMA_VERSION } from './shape.js';

/** The form is of a later version: nothing was changed. */
export class SchemaNewerError extends Error {
  readonly code = 'schema_newer';
  constructor(readonly version: number) {
    super(`the form has version ${version} of its shape; up to ${SCHEMA_VERSION} are known here`);
    this.name = 'SchemaNewerError';
  }
}

/** The version of the form when it is later than what is known here; undefined when the form may be written. */
export function newerVersion(doc: Y.Doc): number | undefined {
  const version = mapRoot(doc, ROOTS.meta)?.get('schemaVersion');
  return isVersionNewer(version) ? version : undefined;
}

export const isVersionNewer = (version: unknown): version is number =>
  typeof version === 'number' && version > SCHEMA_VERSION;

/** @throws SchemaNewerError */
export function requireKnownVersion(doc: Y.Doc): void {
  const version = newerVersion(doc);
  if (version !== undefined) throw new SchemaNewerError(version);
}
