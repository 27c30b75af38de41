/** One look as lines of text that fit a terminal. */
import type { Look } from './look.js';

export interface ViewOptions {
  readonly columns: number;
  readonly rows: number;
  readonly hasColors: boolean;
  readonly intervalSeconds: number;
}

type Paint = (text: string, style: keyof typeof STYLES) => string;
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
const BAR = 16;
const KB = 1_024;

export function view(look: Look, options: ViewOptions): string[] {
  const paint: Paint = (text, style) => (options.hasColors ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text);
  const lines = [...head(look, paint), '', ...mechanisms(look, paint), '', ...alerts(look, paint), ''];
  const room = Math.max(3, options.rows - lines.length - 1);
  lines.push(...documents(look, options, paint).slice(0, room));
  lines.push(paint(`every ${options.intervalSeconds} s   q quits`, 'dim'));
  return lines.map((line) => fit(line, options.columns));
}

function head(look: Look, paint: Paint): string[] {
  const { perSecond, latencyMs, process, rooms } = look;
  const state = look.isReady ? paint('ready', 'green') : paint('NOT READY', 'red');
  const inRooms = Object.entries(rooms)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
  const total = Object.values(rooms).reduce((sum, count) => sum + count, 0);
  const store = look.isStoreOk ? 'ok' : paint('FAILING', 'red');
  return [
    `${paint(`Formloom ${look.version ?? ''}`, 'bold')}  ${look.url}  ${state}  up ${duration(look.uptimeSeconds)}  ${look.at.slice(11, 19)} UTC`,
    ...Object.entries(look.faults).map(([part, fault]) => paint(`  ${part}: ${fault}`, 'red')),
    '',
    `connections ${bold(look.connections, paint)}   documents ${bold(total, paint)}${inRooms.length > 0 ? ` (${inRooms.join(', ')})` : ''}   CPU ${bold(`${round(process.cpuPercent)} %`, paint)}   memory ${bold(bytes(process.residentBytes), paint)} (documents ${bytes(process.hydratedBytes)})`,
    `per second: ${bold(round(perSecond.edits), paint)} edits   ${bold(round(perSecond.deliveries), paint)} deliveries   ${bold(bytes(perSecond.bytesOut), paint)} out   ${bold(round(perSecond.requests), paint)} requests   ${perSecond.errors > 0 ? paint(`${round(perSecond.errors)} errors`, 'red') : '0 errors'}`,
    `latency in ms, p50 / p99: saved ${both(latencyMs.echoP50, latencyMs.echoP99, 250, paint)}   store ${both(latencyMs.appendP50, latencyMs.appendP99, 250, paint)}   event loop ${both(latencyMs.loopP50, latencyMs.loopP99, 100, paint)}`,
    `store ${store}   ${bytes(look.pendingBytes)} wait for it   disk free: ${look.diskFreeBytes === null ? '–' : bytes(look.diskFreeBytes)}`,
  ];
}

function mechanisms({ overview }: Look, paint: Paint): string[] {
  if (overview === null)
    return [paint('Pools, queues, breakers, alerts and documents are for administrators: --token.', 'dim')];
  const { pools, queues, breakers, deadLetters, tuner } = overview;
  const width = Math.max(...[...pools, ...queues].map(({ name }) => name.length), 8);
  const open = breakers.filter(({ state }) => state !== 'closed');
  const advice = tuner.advice === null ? '' : `, ${tuner.advice.knob} → ${round(tuner.advice.to)}`;
  return [
    paint('pools', 'cyan'),
    ...pools.map(
      ({ name, connections, size, refused }) =>
        `  ${name.padEnd(width)} ${bar(connections / Math.max(1, size), paint)} ${connections} of ${size}${refused > 0 ? `   ${refused} refused` : ''}`,
    ),
    paint('queues', 'cyan'),
    ...queues.map(
      ({ name, depth, capacity, ratePerSecond, dropped }) =>
        `  ${name.padEnd(width)} ${bar(depth / Math.max(1, capacity), paint)} ${depth} of ${capacity}   ${ratePerSecond}/s${dropped > 0 ? paint(`   ${dropped} dropped`, 'yellow') : ''}`,
    ),
    `${paint('breakers', 'cyan')} ${open.length === 0 ? `${breakers.length} closed` : paint(open.map(({ name, state }) => `${name} ${state}`).join(', '), 'red')}   ${paint('dead letters', 'cyan')} ${deadLetters.count > 0 ? paint(String(deadLetters.count), 'yellow') : '0'}   ${paint('tuner', 'cyan')} ${tuner.mode}${advice}`,
  ];
}

function alerts(look: Look, paint: Paint): string[] {
  if (look.alerts === null) return [];
  if (look.alerts.length === 0) return [`${paint('alerts', 'cyan')} none`];
  return [
    paint('alerts', 'cyan'),
    ...look.alerts.map(({ name, severity, state, since, labels }) => {
      const about = Object.entries(labels)
        .filter(([label]) => label !== 'rule' && label !== 'severity')
        .map(([label, value]) => `${label}=${value}`);
      const text = `${severity.padEnd(8)} ${name}  ${state} since ${since.slice(11, 19)}  ${about.join(' ')}`;
      return `  ${paint(text, severity === 'critical' ? 'red' : 'yellow')}`;
    }),
  ];
}

function documents(look: Look, { columns }: ViewOptions, paint: Paint): string[] {
  if (look.documents === null) return [];
  const width = Math.max(20, columns - 68);
  const row = (name: string, ...cells: readonly string[]): string =>
    `  ${shorten(name, width).padEnd(width)} ${cells.map((cell) => cell.padStart(9)).join(' ')}`;
  return [
    paint(row('documents by cost', 'people', 'CPU s', 'in', 'out', 'stored', 'cost %'), 'cyan'),
    ...look.documents.map((one) =>
      row(
        one.health < 100 ? `${one.document}  health ${one.health}` : one.document,
        ...[String(one.connections), (one.cpuMs / 1_000).toFixed(1), bytes(one.bytesIn), bytes(one.bytesOut)],
        ...[bytes(one.storedBytes), String(one.cost)],
      ),
    ),
  ];
}

const bold = (value: number | string, paint: Paint): string => paint(String(value), 'bold');

function both(p50: number | null, p99: number | null, tooMuch: number, paint: Paint): string {
  if (p50 === null || p99 === null) return '–';
  const text = `${round(p50)} / ${round(p99)}`;
  return p99 > tooMuch ? paint(text, 'red') : paint(text, 'bold');
}

function bar(share: number, paint: Paint): string {
  const full = Math.max(0, Math.min(BAR, Math.round(share * BAR)));
  const style = share >= 0.95 ? 'red' : share >= 0.75 ? 'yellow' : 'green';
  return `${paint('█'.repeat(full), style)}${paint('░'.repeat(BAR - full), 'dim')}`;
}

function round(value: number): string {
  if (value === 0) return '0';
  if (value < 10) return value.toFixed(1);
  return Math.round(value).toLocaleString('en-US');
}

function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [amount, unit] = [value, 0];
  while (amount >= KB && unit < units.length - 1) [amount, unit] = [amount / KB, unit + 1];
  return `${unit === 0 ? Math.round(amount) : amount.toFixed(amount < 10 ? 1 : 0)} ${units[unit]}`;
}

function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

const shorten = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** Cut to a width in visible characters; colours take none. */
function fit(line: string, columns: number): string {
  let [visible, out] = [0, ''];

  for (const part of line.split(/(\u001b\[[0-9]+m)/)) {
    if (part.startsWith('\u001b')) {
      out += part;
      continue;
    }
    out += part.slice(0, Math.max(0, columns - visible));
    visible += part.length;
  }
  return out;
}
