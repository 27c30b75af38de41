/** Redis behind TLS, with a certificate of one's own and a user that has the rights which the docs name. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { RedisTestServer } from '../../server/storage/redis/testing/redis-test-server.js';
import { freePort } from '../harness/free-port.js';
import { FORMLOOM, startServer, temporaryFolder } from '../harness/server-process.js';
import { stockClient } from '../harness/stock-client.js';
import { until } from '../harness/until.js';

/** As an operator copies them. */
function documentedRights(): string[] {
  const docs = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8');
  const [, rights] = /ACL SETUSER formloom on >SECRET (.+)/.exec(docs) ?? [];
  if (rights === undefined) throw new Error('docs/scaling.md names no rights');
  return rights.trim().split(' ');
}

void t.test(
  'nodes reach a Redis behind TLS as an ACL user, and refuse a certificate that nobody vouches for',
  async (t) => {
    const folder = await temporaryFolder();
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert],
    ]);
    if (made.status !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
    const tlsPort = await freePort();
    const redis = await RedisTestServer.start([
      ...['--tls-port', String(tlsPort), '--tls-cert-file', cert, '--tls-key-file', key],
      ...['--tls-ca-cert-file', cert, '--tls-auth-clients', 'no'],
    ]);
    t.teardown(() => redis.stop());
    await redis.with((client) => client.call('acl', 'setuser', 'formloom', 'on', '>s3cret', ...documentedRights()));
    const REDIS_URL = `rediss://formloom:s3cret@localhost:${tlsPort}`;

    const strange = await startServer({ env: { REDIS_URL }, isExpectedToFail: true });
    t.teardown(() => strange.cleanup());
    await until(() => strange.child.exitCode !== null, { what: 'it does not start' });
    await strange.said(/self-signed certificate/);
    t.notMatch(strange.output(), /s3cret/);

    const env = { REDIS_URL, NODE_EXTRA_CA_CERTS: cert };
    const nodes = await Promise.all([startServer({ env }), startServer({ env })]);
    t.teardown(() => Promise.all(nodes.map((node) => node.cleanup())));
    const [ada, ben] = [stockClient(nodes[0].ws, 'doc'), stockClient(nodes[1].ws, 'doc')];
    t.teardown(() => [ada, ben].forEach((client) => client.destroy()));
    await Promise.all([ada.synced(), ben.synced()]);
    ada.doc.getText('text').insert(0, 'over TLS');
    await until(() => ben.doc.getText('text').toString() === 'over TLS');
    await ada.saved();
    const doctor = spawnSync(process.execPath, [FORMLOOM, 'doctor', '--json'], {
      env: { PATH: process.env['PATH'] ?? '', DATA_DIR: folder, PORT: String(await freePort()), ...env },
      encoding: 'utf8',
    });
    t.equal(doctor.status, 0, doctor.stderr);
    const findings = JSON.parse(doctor.stdout) as { check: string; level: string; detail: string }[];
    t.strictSame(
      findings.filter(({ check }) => check.startsWith('redis ')).map(({ check, level }) => `${check}: ${level}`),
      // It has no maxmemory, and files that are uploaded lie in it.
      [
        ...['connection', 'rights', 'persistence', 'memory'].map((about) => `redis ${about}: ok`),
        'redis files: warning',
        'redis replicas: ok',
      ],
    );
  },
);
