/** Where the bytes of uploaded files are kept. Names are ids, never what a person has typed. */
import type { Readable } from 'node:stream';

export interface FileName {
  readonly formId: string;
  readonly submissionId: string;
  readonly fileId: string;
}

export interface WrittenFile {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface FileStore {
  /** Durable when it resolves; nothing is left of a file whose content fails. */
  write(name: FileName, content: Readable): Promise<WrittenFile>;
  /** Undefined when there is none. */
  read(name: FileName): Promise<Readable | undefined>;
  delete(name: FileName): Promise<void>;
  /** All files of a form, or of one of its submissions. */
  erase(owner: { readonly formId: string; readonly submissionId?: string }): Promise<void>;
}
