/** How an archive names an uploaded file: `<formId>/<submissionId>/<fileId>`. */
import type { FileName } from '../storage/index.js';

/** Ids, and nothing that means something to a file system. */
const PATH = /^([A-Za-z0-9_-]+)\/([A-Za-z0-9_-]+)\/([A-Za-z0-9_-]+)$/;

export const pathOf = ({ formId, submissionId, fileId }: FileName): string => `${formId}/${submissionId}/${fileId}`;

/** @throws RangeError for what names no uploaded file */
export function fileNameOf(path: string): FileName {
  const [, formId, submissionId, fileId] = PATH.exec(path) ?? [];
  if (formId === undefined || submissionId === undefined || fileId === undefined) {
    throw new RangeError(`"${path}" names no uploaded file`);
  }
  return { formId, submissionId, fileId };
}
