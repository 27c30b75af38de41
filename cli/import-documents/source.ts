/** Where documents of another server lie. */

export interface SourceDocument {
  readonly name: string;
  /** Yjs updates in the order in which they were kept; their sum is the document. */
  readonly updates: readonly Uint8Array[];
}

export interface DocumentSource {
  /** Each document once. Nothing is ever written to the source. */
  documents(): AsyncIterable<SourceDocument>;
  close(): Promise<void>;
}

/** The source cannot be opened or is not what it was called; the message says what to do. */
export class SourceError extends Error {}

export const FORMATS = {
  'y-leveldb': 'the folder of y-websocket-server (YPERSISTENCE), written by y-leveldb',
  'hocuspocus-sqlite': "the file of Hocuspocus' SQLite extension: a table documents(name, data)",
  redis: 'a Redis, as redis://…: strings or lists of updates under the keys of --key',
  files: 'a folder with one file for each document, named by its percent-encoded name',
} as const;
export type Format = keyof typeof FORMATS;

export interface SourceOptions {
  /** Keys of documents in Redis, with `{name}` for the name. */
  readonly keyPattern: string;
}

/** @param location a folder, a file or a URL, by format. @throws SourceError */
export async function openSource(format: Format, location: string, options: SourceOptions): Promise<DocumentSource> {
  switch (format) {
    case 'y-leveldb':
      return (await import('./y-leveldb.js')).openYLeveldb(location);
    case 'hocuspocus-sqlite':
      return (await import('./sqlite.js')).openSqlite(location);
    case 'redis':
      return (await import('./redis.js')).openRedis(location, options.keyPattern);
    case 'files':
      return (await import('./files.js')).openFiles(location);
  }
}
