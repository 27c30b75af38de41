/** JSON in UTF-8, as it came: what is not that is refused, and a body without a byte is none. */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';

export function addRequestBodies(api: FastifyInstance): void {
  // Fastify reads it by itself, but nothing here is said in plain text.
  api.removeContentTypeParser('text/plain');
  api.removeContentTypeParser('application/json');
  const parse = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    // Many clients name the type with every request, also where there is nothing to send.
    if (body.length === 0) done(null, undefined);
    // Read leniently, what is not UTF-8 would be stored as replacement characters.
    else if (!isUtf8(body)) done(new Problem('malformed_json', 'The body is not JSON in UTF-8.'));
    else void parse(request, body.toString(), done);
  });
  api.addHook('preParsing', async (request) => {
    const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
    if (encoding === 'identity' || encoding === '' || request.is404) return;
    throw new Problem('unsupported_media_type', 'A body is sent as it is: there is no Content-Encoding but identity.');
  });
}
