/** `/app/`: the web app as `npm run build` leaves it in `dist/web`, or a page that says that it was not built. */
import fastifyStatic from '@fastify/static';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The app brings everything along: nothing is loaded from elsewhere, and nothing is evaluated. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "worker-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Formloom</title>
<h1>The app is not built</h1><p>Run <code>npm run build</code>, then start the server again. REST is served at
<a href="/api/v1/docs">/api/v1/docs</a>.</p></html>`;

/** Compiled code stands in `dist/api/app`, sources in `api/app`. */
const CANDIDATES = ['../../web/', '../../dist/web/'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** @param options.folder absent: where the build leaves it */
export const appRoutes: FastifyPluginAsync<{ readonly folder?: string | undefined }> = async (api, options) => {
  // The manifest marks a build; the folder of the sources has an index.html too.
  const found = (options.folder === undefined ? CANDIDATES : [options.folder]).find((folder) =>
    existsSync(`${folder}/manifest.json`),
  );
  api.get('/app', { schema: { hide: true } }, async (_request, reply) => reply.redirect('/app/'));
  if (found === undefined) {
    api.get('/app/*', { schema: { hide: true } }, async (_request, reply) =>
      reply.code(503).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(NOT_BUILT),
    );
    return;
  }
  // `send` is no route of its own: which path gets which file is decided below.
  await api.register(fastifyStatic, { root: found, serve: false, cacheControl: false });
  const page = (reply: FastifyReply): FastifyReply =>
    reply
      .header('content-security-policy', POLICY)
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'no-cache')
      .sendFile('index.html');
  // Names of assets hold a hash of what is in them.
  api.get('/app/assets/*', { schema: { hide: true } }, async (request, reply) =>
    reply
      .header('cache-control', 'public, max-age=31536000, immutable')
      .sendFile(`assets/${(request.params as { '*': string })['*']}`),
  );
  // It decides what later visits load: browsers ask for it anew, and it may reach nothing but this server.
  api.get('/app/service-worker.js', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .header('content-security-policy', "default-src 'none'; connect-src 'self'")
      .header('cache-control', 'no-cache')
      .sendFile('service-worker.js'),
  );
  // Paths of the app itself, such as /app/forms/<id>.
  api.get('/app/*', { schema: { hide: true } }, async (_request, reply) => page(reply));
};
