/**
 * Hocuspocus' SQLite file: one table with one state per document. Read by Node's own SQLite (Node 22.13 and later), else by
 * `sql.js`, SQLite compiled to WebAssembly, where that is installed.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { SourceError, type DocumentSource } from './source.js';

const QUERY = 'SELECT name, data FROM documents ORDER BY name';
const rowSchema = z.object({ name: z.string(), data: z.instanceof(Uint8Array) });

/** What is used of `node:sqlite`; the types of Node 20 do not know it. */
interface NodeSqlite {
  readonly DatabaseSync: new (
    file: string,
    options: { readonly readOnly: boolean },
  ) => { prepare(sql: string): { iterate(): Iterable<unknown> }; close(): void };
}
/** What is used of `sql.js`, which has no types of its own. */
interface SqlJs {
  readonly default: () => Promise<{
    readonly Database: new (content: Uint8Array) => {
      prepare(sql: string): { step(): boolean; getAsObject(): unknown; free(): void };
      close(): void;
    };
  }>;
}

export async function openSqlite(file: string): Promise<DocumentSource> {
  const content = await readFile(file).catch((error: unknown) => {
    throw new SourceError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (content.subarray(0, 15).toString('latin1') !== 'SQLite format 3') {
    throw new SourceError(`${file} is no SQLite file`);
  }
  const native = await optional<NodeSqlite>('node:sqlite');
  if (native !== undefined) return rowsOf(file, () => nativeRows(native, file));
  const wasm = await optional<SqlJs>('sql.js');
  if (wasm !== undefined) {
    const { Database } = await wasm.default();
    return rowsOf(file, () => wasmRows(new Database(content)));
  }
  throw new SourceError(
    'this Node has no SQLite: use Node 22.13 or later, or install sql.js beside Formloom (npm install sql.js)',
  );
}

function rowsOf(file: string, read: () => Iterable<unknown>): DocumentSource {
  const documents = async function* (): AsyncGenerator<{ name: string; updates: Uint8Array[] }> {
    try {
      for (const row of read()) {
        const { name, data } = rowSchema.parse(row);
        yield { name, updates: [data] };
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new SourceError(`${file} is not what Hocuspocus writes: ${error.message}`, { cause: error });
    }
  };
  return { documents, close: () => Promise.resolve() };
}

function* nativeRows({ DatabaseSync }: NodeSqlite, file: string): Generator {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    yield* db.prepare(QUERY).iterate();
  } finally {
    db.close();
  }
}

function* wasmRows(db: InstanceType<Awaited<ReturnType<SqlJs['default']>>['Database']>): Generator {
  try {
    const statement = db.prepare(QUERY);
    while (statement.step()) yield statement.getAsObject();
    statement.free();
  } finally {
    db.close();
  }
}

async function optional<T>(name: string): Promise<T | undefined> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNKNOWN_BUILTIN_MODULE') return undefined;
    throw error;
  }
}
