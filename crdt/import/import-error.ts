export interface ImportIssue {
  /** JSON Pointer (RFC 6901) into the source; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export type ImportErrorCode = 'unsupported_format' | 'invalid_source';

/** A source that cannot be read at all. What can be read in part is imported, with a loss report. */
export class ImportError extends Error {
  override readonly name = 'ImportError';

  constructor(
    readonly code: ImportErrorCode,
    readonly issues: readonly ImportIssue[],
  ) {
    super(issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; '));
  }
}

export const invalidSource = (path: string, message: string): ImportError =>
  new ImportError('invalid_source', [{ path, message }]);
