/** The SDK: `formloom/client`. Runs in browsers, and in Node with a WebSocket class. */
export { waitMs, longestWaitMs } from './connection/backoff.js';
export { CLOSE, isPermanent } from './connection/close-codes.js';
export { Connection, type ConnectionOptions } from './connection/connection.js';
export { ConnectionClosedError, type ConnectionEvents } from './connection/events.js';
export type { LineTarget } from './connection/line.js';
export { realClock, STALE_COPY, type Clock, type ConnectionState, type SaveState } from './connection/state.js';
export type { Token } from './connection/token.js';
export type { OpenTransport, Transport, TransportEvents, TransportTarget } from './connection/transport.js';
export { webSocketTransport, type WebSocketClass, type WebSocketLike } from './connection/web-socket.js';
export type { Refusal } from './connection/wire.js';
export { guardLeaving } from './leave-guard.js';
export { RequestRefusedError, type RequestOptions, type RestCaller } from './rest/caller.js';
export { connect, type DocumentOptions, type Server, type ServerOptions } from './server.js';
export { CommentsHandle, openComments } from './comments/comments-handle.js';
export { FormHandle, openForm } from './form/form-handle.js';
export type { FormRequests, Published } from './form/form-requests.js';
export type { TextProperty } from '../crdt/form/operations/target.js';
export { IDLE_AFTER_MS, Presence, type Activity, type OwnPresence, type Person } from './presence/presence.js';
export {
  openSubmission,
  resumeSubmission,
  startSubmission,
  SubmissionHandle,
  type SheetMigration,
  type SheetVerdict,
  type StartedSubmission,
} from './submission/submission-handle.js';
export type {
  FieldInput,
  FieldJson,
  FieldType,
  FormInput,
  FormJson,
  Json,
  JumpJson,
  OptionJson,
  PageInput,
  PageJson,
  Texts,
  ValidationJson,
} from '../crdt/form/form-json.js';
export { OperationsRefusedError, type OperationInput } from '../crdt/form/operations/operations.js';
export { httpTransport } from './connection/http-transport.js';
export { LocalCopy, openLocalCopy, type CopySetAside, type LocalCopyOptions } from './persistence/local-copy.js';
export type { OperationIssue, OptionList } from '../crdt/form/operations/operations.js';
export type { AnswerValues, SheetMeta } from '../crdt/submission/answer-sheet.js';
export type {
  AnchorRequest,
  CommentJson,
  Reaction,
  StoredAnchor,
  StoredThread,
  ThreadJson,
} from '../crdt/comments/thread-json.js';
export type { IdbFactory } from './persistence/indexed-db.js';
