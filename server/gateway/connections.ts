/** What an operator sees and steers of live connections, over whichever transport. */
export interface ConnectionInfo {
  readonly id: string;
  readonly document: string;
  readonly principal: { readonly id: string; readonly name?: string };
  readonly role: string;
  readonly pool: string;
  readonly address: string;
  /** Unix time in milliseconds. */
  readonly since: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes waiting for this client. */
  readonly lagBytes: number;
  readonly isBehind: boolean;
}

/** Who is where, for what counts people and not bytes. */
export type Attendee = Pick<ConnectionInfo, 'id' | 'document' | 'principal' | 'role'>;

export interface Connections {
  readonly size: number;
  /** Costs nothing for each; `list` asks every socket. */
  people(): Iterable<Attendee>;
  list(): ConnectionInfo[];
  /** False when there is no such connection. */
  disconnect(id: string, code: number, reason: string): boolean;
}
