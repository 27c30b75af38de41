/**
 * Frames for WebSockets as server-sent events: the payload of each frame becomes one event.
 *
 *   data: <base64 of the message>
 *   (an empty line)
 */

const encoded = new WeakMap<Buffer, string>();

/** HOT PATH. A room writes the same buffer to all its readers, so it is converted once. */
export function eventsFrom(frames: Buffer): string {
  const known = encoded.get(frames);
  if (known !== undefined) return known;
  let events = '';
  for (const payload of payloadsOf(frames)) events += `data: ${payload.toString('base64')}\n\n`;
  encoded.set(frames, events);
  return events;
}

/** @param data becomes JSON, which has no raw line breaks, so it is one line */
export function namedEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The payloads of whole frames as `protocol/frame.ts` writes them: unmasked, unfragmented. */
function* payloadsOf(frames: Buffer): Generator<Buffer> {
  let at = 0;
  while (at < frames.length) {
    const short = frames.readUInt8(at + 1);
    let length = short;
    at += 2;
    if (short === 126) {
      length = frames.readUInt16BE(at);
      at += 2;
    } else if (short === 127) {
      length = frames.readUInt32BE(at) * 2 ** 32 + frames.readUInt32BE(at + 4);
      at += 8;
    }
    yield frames.subarray(at, at + length);
    at += length;
  }
}
