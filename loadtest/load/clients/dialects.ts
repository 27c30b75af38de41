import * as encoding from 'lib0/encoding';
import { encoded, SYNC, type Dialect } from './wire.js';

const NOTHING = new Uint8Array(0);

/** y-websocket: the document is the path of the URL. */
export const Y_WEBSOCKET: Dialect = {
  path: (document) => `/${document}`,
  prefix: () => NOTHING,
  greeting: () => [],
  isSync: (type) => type === SYNC,
};

const HOCUSPOCUS_AUTH = 2;
const HOCUSPOCUS_TOKEN = 0;
const HOCUSPOCUS_SYNC_REPLY = 4;

/** Hocuspocus: each message begins with the document's name, the first one is a token; 4 is a sync reply. */
export const HOCUSPOCUS: Dialect = {
  path: () => '/',
  prefix: (document) => encoded((encoder) => encoding.writeVarString(encoder, document)),
  greeting: () => [
    encoded((encoder) => {
      encoding.writeVarUint(encoder, HOCUSPOCUS_AUTH);
      encoding.writeVarUint(encoder, HOCUSPOCUS_TOKEN);
      encoding.writeVarString(encoder, '');
    }),
  ],
  isSync: (type) => type === SYNC || type === HOCUSPOCUS_SYNC_REPLY,
};
