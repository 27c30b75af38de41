/** A receiver of webhooks on loopback that can be down, and answers as it is told. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { freePort } from './free-port.js';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // Looked into member by member, as answers are.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

export interface WebhookReceiver {
  readonly url: string;
  /** Requests that were answered with 2xx, and all there were, in order. */
  readonly accepted: Received[];
  readonly requests: Received[];
  /** What to answer; 204 at first. */
  answer: (received: Received) => { readonly status: number; readonly headers?: Record<string, string> };
  /** Nobody listens on its port. */
  goDown(): Promise<void>;
  comeUp(): Promise<void>;
}

export async function webhookReceiver(): Promise<WebhookReceiver> {
  const port = await freePort();
  let server: Server | undefined;
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${port}/hook`,
    accepted: [],
    requests: [],
    answer: () => ({ status: 204 }),
    goDown: async () => {
      const going = server;
      server = undefined;
      if (going === undefined) return;
      const closed = new Promise((resolve) => going.close(resolve));
      going.closeAllConnections();
      await closed;
    },
    comeUp: async () => {
      server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const received = { headers: request.headers, text, body: JSON.parse(text) as unknown };
          const { status, headers = {} } = receiver.answer(received);
          receiver.requests.push(received);
          if (status >= 200 && status < 300) receiver.accepted.push(received);
          response.writeHead(status, headers).end();
        });
      });
      const coming = server;
      await new Promise<void>((resolve) => coming.listen(port, '127.0.0.1', resolve));
    },
  };
  await receiver.comeUp();
  return receiver;
}

/** As a receiver verifies with the reference implementation. @throws WebhookVerificationError */
export function verify(secret: string, { headers, text }: Received): unknown {
  return new Webhook(secret).verify(text, headers as Record<string, string>);
}
