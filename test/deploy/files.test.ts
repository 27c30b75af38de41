/** What docker/ says, held against the product: no engine needed. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../../server/config/index.js';
import { VARIABLES } from '../../server/config/variables.js';

const ROOT = path.join(import.meta.dirname, '../..');
const DOCKER = path.join(ROOT, 'docker');
const read = (name: string): Promise<string> => readFile(path.join(DOCKER, name), 'utf8');
// Looked into member by member: a wrong shape fails the assertion that looks.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const parsed = async (name: string): Promise<any[]> =>
  parseAllDocuments(await read(name), { merge: true }).map((document) => {
    for (const fault of [...document.errors, ...document.warnings]) throw fault;
    return document.toJS();
  });

/** Variables that a file gives to Formloom are known, and a server would start with them. */
function startsWith(environment: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(environment).filter((name) => !(name in VARIABLES) && name !== 'NODE_ENV');
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}`);
  loadConfig({ env: environment, flags: {} });
}

const SECRETS: Readonly<Record<string, string>> = { JWT_SECRET: 'x'.repeat(44), ADMIN_TOKEN: 'y'.repeat(32) };
const IMAGE = Object.freeze({ HOST: '0.0.0.0', PORT: '1234', DATA_DIR: '/data' });

void t.test('the image: two stages, another user, signals straight to the server, all of it known', async (t) => {
  const lines = (await read('Dockerfile'))
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line));
  const stages = lines.filter((line) => line.startsWith('FROM '));
  t.equal(stages.length, 2);
  t.notOk(
    stages.some((line) => /:latest|node\s*$/.test(line)),
    'versions are named',
  );
  const last = lines.slice(lines.lastIndexOf(stages[1]!));
  const only = (instruction: string): string => {
    const found = last.filter((line) => line.startsWith(`${instruction} `));
    t.equal(found.length, 1, `one ${instruction}`);
    return found[0]!.slice(instruction.length + 1);
  };
  t.match(only('USER'), /^[1-9]\d+:[1-9]\d+$/, 'a number that is not root');
  t.equal(only('STOPSIGNAL'), 'SIGTERM');
  t.same(JSON.parse(only('ENTRYPOINT')), ['node', '/app/dist/cli/main.js'], 'no shell in between');
  t.same(JSON.parse(only('CMD')), ['serve']);
  const health = /CMD (\[.*\])$/.exec(only('HEALTHCHECK'))![1]!;
  t.match((JSON.parse(health) as string[])[2], /health\/live/);
  const environment = Object.fromEntries(
    only('ENV')
      .split(/\s+/)
      .map((pair) => pair.split('=') as [string, string]),
  );
  startsWith({ ...environment, ...SECRETS });
  t.match(environment, IMAGE);
  t.equal(environment['PORT'], only('EXPOSE'));
  t.notOk(lines.some((line) => line.startsWith('ADD ')));
  // What is copied from the sources is there and not ignored.
  const kept = (await read('Dockerfile.dockerignore')).split('\n').filter((line) => line.startsWith('!'));
  for (const entry of kept) t.ok(existsSync(path.join(ROOT, entry.slice(1))), entry);
  const wanted = JSON.parse(await readFile(path.join(ROOT, 'tsconfig.build.json'), 'utf8')) as { include: string[] };
  for (const folder of [...wanted.include, 'web', 'scripts']) t.ok(kept.includes(`!${folder}`), `${folder} is built`);
});

void t.test(
  'compose: nodes start with what they are given, have time to drain, and may write nowhere else',
  async (t) => {
    const names = (await readdir(path.join(DOCKER, 'compose'))).filter((name) => name !== 'monitoring.yml');
    t.same(names.sort(), ['cluster.yml', 'one-node.yml', 'sentinel.yml']);
    for (const name of names) {
      const [{ services, volumes }] = (await parsed(`compose/${name}`)) as [
        { services: Record<string, Record<string, unknown>>; volumes: Record<string, unknown> },
      ];
      const nodes = Object.entries(services).filter(([, { image }]) => String(image).startsWith('formloom:'));
      t.equal(nodes.length, name === 'one-node.yml' ? 1 : 3);
      for (const [node, service] of nodes) {
        const given = Object.fromEntries(
          Object.entries(service['environment'] as Record<string, string>).map(([key, value]) => [
            key,
            /^\$\{(\w+)/.test(value) ? (SECRETS[key] ?? '') : value,
          ]),
        );
        startsWith({ ...IMAGE, ...given });
        const grace = Number(/^(\d+)s$/.exec(String(service['stop_grace_period']))?.[1]);
        t.ok(grace >= Number(given['DRAIN_SECONDS']) + 15, `${name}: ${node} has ${grace} s to stop`);
        t.match(service, { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      }
      for (const [service, facts] of Object.entries(services)) {
        if (!String(facts['image']).startsWith('redis:')) continue;
        t.match(facts, { user: 'redis' }, `${name}: ${service} is not root`);
        // A Redis or Sentinel that forgets would make an old master the master again.
        if (facts['restart'] !== undefined) t.match(facts['volumes'], [/:\/data$/], `${name}: ${service} remembers`);
      }
      for (const [service, { image, volumes: mounts = [], depends_on: needed = [] }] of Object.entries(services)) {
        t.notMatch(String(image), /:latest$|^[^:]+$/, `${name}: ${service} names a version`);
        for (const mount of mounts as string[]) {
          const [source = ''] = mount.split(':');
          const isThere = source.startsWith('.') ? existsSync(path.join(DOCKER, 'compose', source)) : source in volumes;
          t.ok(isThere, `${name}: ${service} mounts ${source}`);
        }
        const others = Array.isArray(needed) ? (needed as string[]) : Object.keys(needed as object);
        for (const other of others) t.ok(other in services, `${name}: ${service} needs ${other}`);
      }
    }
    const [monitoring] = await parsed('compose/monitoring.yml');
    for (const { volumes } of Object.values<{ volumes: string[] }>(monitoring.services)) {
      for (const [source = ''] of volumes.map((mount) => mount.split(':'))) {
        if (source.startsWith('.')) t.ok(existsSync(path.join(DOCKER, 'compose', source)), source);
      }
    }
  },
);

void t.test('the proxies know all nodes, and time out later than the server pings', async (t) => {
  const nginx = await read('nginx/formloom.conf');
  const caddy = await read('caddy/Caddyfile');
  for (const node of ['node-1:1234', 'node-2:1234', 'node-3:1234']) {
    t.ok(nginx.includes(`server ${node} `) && caddy.includes(node), node);
  }
  for (const [, seconds] of nginx.matchAll(/proxy_(?:read|send)_timeout (\d+)s/g)) t.ok(Number(seconds) > 30);
  t.match(caddy, /\/api\/v1\/health\/ready/);
});

void t.test('kubernetes: probes, grace, budget and scaling fit the server and each other', async (t) => {
  const resources = await parsed('kubernetes/formloom.yml');
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const of = (kind: string): any => {
    const found = resources.filter((resource) => resource.kind === kind);
    t.equal(found.length, 1, kind);
    return found[0];
  };
  const deployment = of('Deployment');
  const { spec: pod, metadata } = deployment.spec.template;
  const [container] = pod.containers;
  const [secret] = await parsed('kubernetes/secret.example.yml');
  const given = Object.fromEntries(container.env.map(({ name, value }: Record<string, string>) => [name, value]));
  startsWith({ ...IMAGE, ...given, ...secret.stringData });
  t.equal(container.envFrom[0].secretRef.name, secret.metadata.name);
  const wait = Number(/(\d+)\)$/.exec(container.lifecycle.preStop.exec.command[2])?.[1]) / 1_000;
  t.ok(pod.terminationGracePeriodSeconds >= Number(given['DRAIN_SECONDS']) + 15 + wait, 'time to drain');
  t.equal(container.readinessProbe.httpGet.path, '/api/v1/health/ready');
  t.equal(container.livenessProbe.httpGet.path, '/api/v1/health/live');
  t.match(pod.securityContext, { runAsNonRoot: true, runAsUser: 1000 });
  t.match(container.securityContext, { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
  t.equal(container.ports[0].containerPort, Number(IMAGE.PORT));
  for (const mount of container.volumeMounts) {
    t.ok(pod.volumes.some(({ name }: { name: string }) => name === mount.name));
  }
  const labels = deployment.spec.selector.matchLabels;
  t.match(metadata.labels, labels);
  t.same(of('PodDisruptionBudget').spec.selector.matchLabels, labels);
  const services = resources.filter((resource) => resource.kind === 'Service');
  const service = services.find(({ spec }) => spec.selector !== undefined);
  t.same(service.spec.selector, labels);
  t.equal(service.spec.ports[0].targetPort, container.ports[0].name);
  const [metrics, everything] = of('Ingress').spec.rules[0].http.paths;
  t.equal(everything.backend.service.name, service.metadata.name);
  t.match(metrics, { path: '/metrics', pathType: 'Exact' });
  const nobody = services.find(({ metadata }) => metadata.name === metrics.backend.service.name);
  t.equal(nobody.spec.selector, undefined, 'figures do not leave the cluster');
  const scaler = of('HorizontalPodAutoscaler').spec;
  t.equal(scaler.scaleTargetRef.name, deployment.metadata.name);
  t.ok(scaler.minReplicas >= 2 && deployment.spec.replicas >= 2);
  const { metric, target } = scaler.metrics[0].pods;
  t.ok(Number(target.averageValue) < Number(given['CONNECTION_POOL_SIZE']), 'it scales before the pool is full');
  const source = await readFile(path.join(ROOT, 'server/observability/metrics.ts'), 'utf8');
  t.ok(source.includes(metric.name.replace('formloom_', '')), 'the metric exists');
  const [adapter] = await parsed('kubernetes/prometheus-adapter.yml');
  t.ok(adapter.rules.custom[0].seriesQuery.startsWith(metric.name));
});
