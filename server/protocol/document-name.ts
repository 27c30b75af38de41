/**
 * Document names as they arrive in a URL path.
 *
 * A name is 1 to 255 bytes of UTF-8, percent-decoded once; control characters, empty segments,
 * `.` and `..` are refused.
 */

export class DocumentNameError extends Error {
  readonly code = 'document_name_invalid';
  constructor(message: string) {
    super(message);
    this.name = 'DocumentNameError';
  }
}

const MAX_NAME_BYTES = 255;
const SYNC_PREFIX = '/sync/';

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** @throws DocumentNameError when the text cannot name a document. */
export function checkDocumentName(name: string): string {
  if (name === '') throw new DocumentNameError('A document name is missing from the path.');
  const bytes = Buffer.byteLength(name);
  if (bytes > MAX_NAME_BYTES) {
    throw new DocumentNameError(`A document name has at most ${MAX_NAME_BYTES} bytes of UTF-8; this one has ${bytes}.`);
  }
  if (CONTROL.test(name)) throw new DocumentNameError('A document name has no control characters.');
  if (!name.isWellFormed()) throw new DocumentNameError('A document name is well-formed Unicode.');
  for (const segment of name.split('/')) {
    if (segment === '') throw new DocumentNameError('A document name has no empty segment.');
    if (segment === '.' || segment === '..') throw new DocumentNameError('A document name has no "." or ".." segment.');
  }
  return name;
}

/**
 * The document that a WebSocket path (`/<document>` or `/sync/<document>`, without the query) names.
 * @throws DocumentNameError
 */
export function documentNameFromPath(path: string): string {
  const encoded = path.startsWith(SYNC_PREFIX) ? path.slice(SYNC_PREFIX.length) : path.slice(1);
  let decoded: string;
  try {
    decoded = decodeURIComponent(encoded);
  } catch (error) {
    if (error instanceof URIError) throw new DocumentNameError('The path is not valid percent-encoded UTF-8.');
    throw error;
  }
  return checkDocumentName(decoded);
}

const FORM_NAME = /^form\/([A-Za-z0-9_-]{1,64})(?:\/(comments)|\/submission\/([A-Za-z0-9_-]{1,64}))?$/;

export type DocumentKind =
  | { readonly kind: 'form'; readonly formId: string }
  | { readonly kind: 'comments'; readonly formId: string }
  | { readonly kind: 'submission'; readonly formId: string; readonly submissionId: string }
  | { readonly kind: 'opaque' };

const OPAQUE: DocumentKind = { kind: 'opaque' };

/** Which rules a document follows, told from its name alone. */
export function documentKind(name: string): DocumentKind {
  if (!name.startsWith('form/')) return OPAQUE;
  const match = FORM_NAME.exec(name);
  const formId = match?.[1];
  if (match === null || formId === undefined) return OPAQUE;
  if (match[2] !== undefined) return { kind: 'comments', formId };
  if (match[3] !== undefined) return { kind: 'submission', formId, submissionId: match[3] };
  return { kind: 'form', formId };
}
