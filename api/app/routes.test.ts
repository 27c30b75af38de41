import { fastify } from 'fastify';
import { mkdir, writeFile } from 'node:fs/promises';
import t from 'tap';
import { appRoutes } from './routes.js';

t.test('an app that was not built is a page that says so', async (t) => {
  const api = fastify();
  t.teardown(() => api.close());
  await api.register(appRoutes, { folder: t.testdir({}) });
  const answer = await api.inject('/app/forms/f1');
  t.equal(answer.statusCode, 503);
  t.match(answer.headers['content-type'], 'text/html');
  t.match(answer.body, 'npm run build');
});

t.test('the app is one page for all its paths, under a policy that takes scripts from files alone', async (t) => {
  const folder = t.testdir({ 'manifest.json': '{}', 'index.html': '<!doctype html>the app' });
  await mkdir(`${folder}/assets`);
  await writeFile(`${folder}/assets/a-1.js`, 'export {}');
  const api = fastify();
  t.teardown(() => api.close());
  await api.register(appRoutes, { folder });
  for (const path of ['/app/', '/app/forms/f1', '/app/r/f1', '/app/operate']) {
    const answer = await api.inject(path);
    t.equal(answer.statusCode, 200, path);
    t.match(answer.body, 'the app');
    t.match(answer.headers['content-security-policy'], "script-src 'self';");
    t.equal(answer.headers['cache-control'], 'no-cache');
  }
  t.equal((await api.inject('/app')).headers.location, '/app/');
  const asset = await api.inject('/app/assets/a-1.js');
  t.match(asset.headers['cache-control'], 'immutable');
  t.equal((await api.inject('/app/assets/none.js')).statusCode, 404);
  const none = await api.inject('/app/service-worker.js');
  t.equal(none.statusCode, 404, 'the page is no script: browsers drop the worker of a build that has none');
  await writeFile(`${folder}/service-worker.js`, 'addEventListener("fetch", () => {})');
  const worker = await api.inject('/app/service-worker.js');
  t.match(worker.headers['content-type'], 'javascript');
  t.equal(worker.headers['cache-control'], 'no-cache', 'a new one is found with the next visit');
  t.equal(worker.headers['content-security-policy'], "default-src 'none'; connect-src 'self'");
  t.not((await api.inject('/app/assets/%2e%2e/manifest.json')).body, '{}', 'nothing outside the assets');
});
