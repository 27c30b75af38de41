// Nothing of Formloom is needed on the client: any Yjs application works as it is.
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';

const url = process.argv[2] ?? 'ws://127.0.0.1:1234';
const open = () => {
  const doc = new Y.Doc();
  // Browsers have a WebSocket and need no polyfill. `disableBc`: these two shall meet on the server, not in this process.
  const provider = new WebsocketProvider(url, 'example-notes', doc, { WebSocketPolyfill: WebSocket, disableBc: true });
  return { doc, text: doc.getText('body'), provider };
};

const ada = open();
const bob = open();
bob.text.observe(() => {
  console.log(`bob reads: ${bob.text.toString()}`);
  for (const { doc, provider } of [ada, bob]) {
    provider.destroy();
    doc.destroy();
  }
});
const synced = ({ provider }) => new Promise((resolve) => provider.once('sync', resolve));
await Promise.all([synced(ada), synced(bob)]);
ada.text.insert(0, 'hello');
