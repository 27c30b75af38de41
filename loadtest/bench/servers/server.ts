/** The port to a server under test: how it is started, what it speaks, what it promises. */
import type { Dialect } from '../../load/clients/wire.js';

export type ServerName =
  | 'formloom'
  /** Another build of Formloom. */
  | 'other-build'
  | 'yws'
  | 'yws-leveldb'
  | 'hocuspocus'
  | 'relay'
  | 'relay-batched';

export interface LaunchContext {
  readonly port: number;
  /** An empty folder on a real disk, or that of an earlier start. */
  readonly dataDir: string;
  /** Where CPU profiles go, when they are wanted. */
  readonly profileDir: string | undefined;
}

export interface Launch {
  /** The node binary. */
  readonly node: string;
  /** Script and its arguments. */
  readonly script: readonly string[];
  readonly nodeFlags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface ServerAdapter {
  readonly name: ServerName;
  /** For the report, with version and mode. */
  readonly title: string;
  readonly dialect: Dialect;
  /** Path that answers 200 once it serves. */
  readonly readyPath: string;
  /** Keeps the document while someone is connected: a fresh join can be compared. */
  readonly keepsState: boolean;
  /** Keeps it over a restart. */
  readonly isDurable: boolean;
  /** Sends a writer its own updates too. */
  readonly isEchoing: boolean;
  launch(context: LaunchContext): Launch;
}
