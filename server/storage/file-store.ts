/**
 * The bytes of uploaded files. Names are ids, never what a person has typed.
 *
 * Contract suite: `file-store.contract.ts`. Implementations: `files/folder-file-store.ts` for a store of one process,
 * `files/record-file-store.ts` for one that nodes share.
 */
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
  /** Durable when it resolves, and only then to be read; nothing is left of a file whose content fails. */
  write(name: FileName, content: Readable): Promise<WrittenFile>;
  /**
   * Puts other bytes in the place of a file. Whoever reads finds the old or the new ones. False, and nothing is written,
   * when the file is not there or goes meanwhile.
   */
  rewrite(name: FileName, content: Readable): Promise<boolean>;
  /** Undefined when there is none. */
  read(name: FileName): Promise<Readable | undefined>;
  /** The bytes leave the medium. */
  delete(name: FileName): Promise<void>;
  /** All files of a form, or of one of its submissions. The bytes leave the medium; what is being written fails. */
  erase(owner: { readonly formId: string; readonly submissionId?: string }): Promise<void>;
  /** Whole files, in no order: for backups. */
  list(): AsyncIterable<FileName>;
}
