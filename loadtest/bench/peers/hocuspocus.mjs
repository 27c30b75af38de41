// Starts Hocuspocus as its guide does, without extensions: nothing is stored. PORT as argument.
import { Server } from '@hocuspocus/server';

const port = Number(process.argv[2]);
const server = new Server({
  port,
  address: '127.0.0.1',
  quiet: true,
  // A provider sends awareness every 15 s; the load client's readers are silent and must not be taken for dead.
  timeout: 600_000,
});
await server.listen();
