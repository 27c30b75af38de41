import t from 'tap';
import { parseCluster, parseEndpoint, parseUrl } from './address.js';

void t.test('a URL gives endpoint, ACL user, password, database and TLS', (t) => {
  t.strictSame(parseUrl('redis://localhost'), { endpoint: { host: 'localhost', port: 6379 }, credentials: {} });
  t.strictSame(parseUrl('rediss://ada:p%40ss@redis.example:6380/2'), {
    endpoint: { host: 'redis.example', port: 6380 },
    credentials: { username: 'ada', password: 'p@ss', db: 2, tls: { servername: 'redis.example' } },
  });
  t.strictSame(parseUrl('redis://:secret@[::1]:7000').endpoint, { host: '::1', port: 7000 });
  t.end();
});

void t.test('what is no address is refused without naming a password', (t) => {
  for (const url of ['http://:secret@host', 'secret', 'redis://:secret@host/name']) {
    t.throws(() => parseUrl(url), TypeError, url);
    t.throws(() => parseUrl(url), { message: /^(?!.*secret)/ });
  }
  t.throws(() => parseEndpoint('host:port', 1), TypeError);
  t.throws(() => parseEndpoint('', 1), TypeError);
  t.end();
});

void t.test('a Cluster takes its credentials from the URL or from its first entry that has some', (t) => {
  const endpoints = [
    { host: 'a', port: 7000 },
    { host: 'b', port: 6379 },
  ];
  t.strictSame(parseCluster({ cluster: ['a:7000', 'redis://:x@b'] }), { endpoints, credentials: { password: 'x' } });
  t.strictSame(parseCluster({ url: 'redis://:y@z', cluster: ['a:7000', 'b'] }).credentials, { password: 'y' });
  t.throws(() => parseCluster({ cluster: ['redis://a/1'] }), /database 0/);
  t.end();
});
