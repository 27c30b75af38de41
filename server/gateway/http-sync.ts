/** What REST needs of the gateway for clients that no WebSocket reaches. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Refusal } from './refusal.js';
import type { Post, PostVerdict } from './stream-connection.js';

export interface HttpSync {
  /**
   * Joins a document. Refused before `begin` was called, or running when it resolves; whether the token is good is
   * told on the stream, by a close.
   * @param path `/sync/<document>`, as it was sent, without the query
   * @param begin sends the headers of the answer; called once
   */
  openStream(request: IncomingMessage, path: string, begin: () => ServerResponse): Promise<Refusal | undefined>;
  /** @param id of the connection, from its first event */
  post(id: string, post: Post): Promise<PostVerdict>;
}
