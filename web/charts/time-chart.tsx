/**
 * Figures over time. uPlot draws them; the values at one point stand beside their names: the latest, or the one under
 * the pointer, or the one that the arrow keys have gone to.
 */
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useWording } from '../app/language.js';
import { figure, type FigureKind } from './format.js';
import { useColourScheme, useWidth } from './surroundings.js';
import '../style/charts.css';

export interface ChartSeries {
  readonly name: string;
  /** One for each time; null where there is none. */
  readonly values: readonly (number | null)[];
}

export interface TimeChartProps {
  readonly title: string;
  /** Unix time in seconds, ascending. */
  readonly times: readonly number[];
  /** At most four. */
  readonly series: readonly ChartSeries[];
  readonly kind: FigureKind;
  readonly height?: number;
  /** Columns instead of lines: sums over spans. */
  readonly isColumns?: boolean;
  /** Of the times under the pointer. */
  readonly dates?: Intl.DateTimeFormatOptions;
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit' };

export function TimeChart(props: TimeChartProps): ReactNode {
  const { title, times, series, kind, height = 150, isColumns = false, dates = CLOCK } = props;
  const { t, language } = useWording();
  const heading = useId();
  const [place, setPlace] = useState<HTMLDivElement | null>(null);
  const plot = useRef<uPlot>(undefined);
  const width = useWidth(place);
  const scheme = useColourScheme();
  const [pointed, setPointed] = useState<number>();
  const last = times.length - 1;
  const at = Math.min(pointed ?? last, last);
  const names = series.map(({ name }) => name).join('\n');
  const data = useMemo<uPlot.AlignedData>(
    // A column of nothing is none, not a line on the ground.
    () =>
      [
        [...times],
        ...series.map(({ values }) => values.map((value) => (isColumns && value === 0 ? null : value))),
      ] as uPlot.AlignedData,
    [times, series, isColumns],
  );
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    if (place === null || width === 0) return;
    const options = optionsOf({ names: names.split('\n'), kind, language, width, height, isColumns });
    const made = new uPlot(
      { ...options, hooks: { setCursor: [({ cursor }) => setPointed(cursor.idx ?? undefined)] } },
      latest.current,
      place,
    );
    plot.current = made;
    return () => {
      plot.current = undefined;
      made.destroy();
    };
  }, [place, names, kind, language, width, height, isColumns, scheme]);
  useEffect(() => plot.current?.setData(data), [data]);

  const when = times[at];
  const time = when === undefined ? '' : new Intl.DateTimeFormat(language, dates).format(when * 1_000);
  const shown = series.map(({ name, values }) => [name, figure(values[at], kind, language)] as const);
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(last, next));
    setPointed(index);
    const left = plot.current?.valToPos(times[index] ?? 0, 'x');
    if (left !== undefined) plot.current?.setCursor({ left, top: 10 }, false);
  };
  return (
    <figure className="card chart">
      <figcaption>
        <h3 id={heading}>{title}</h3>
        <ul className="chart-values">
          {shown.map(([name, value], index) => (
            <li key={name}>
              <span className={`swatch series-${index + 1}`} aria-hidden="true" />
              {name} <strong>{value}</strong>
            </li>
          ))}
          {pointed !== undefined && <li className="chart-time">{time}</li>}
        </ul>
      </figcaption>
      {times.length === 0 ? (
        <p className="empty">{t('noFigures')}</p>
      ) : (
        <div
          ref={setPlace}
          className="chart-place"
          role="slider"
          tabIndex={0}
          aria-labelledby={heading}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, last)}
          aria-valuenow={Math.max(0, at)}
          aria-valuetext={`${time}: ${shown.map((pair) => pair.join(' ')).join(', ')}`}
          onKeyDown={onKeyDown}
          onBlur={() => setPointed(undefined)}
        />
      )}
    </figure>
  );
}

interface PlotLook {
  readonly names: readonly string[];
  readonly kind: FigureKind;
  readonly language: string;
  readonly width: number;
  readonly height: number;
  readonly isColumns: boolean;
}

function optionsOf({ names, kind, language, width, height, isColumns }: PlotLook): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour('muted'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  const columns = isColumns && uPlot.paths.bars !== undefined ? { paths: uPlot.paths.bars({ size: [0.7, 40] }) } : {};
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      // The first and the last column are whole.
      ...(isColumns ? { x: { range: (plot, low, high) => [low - halfStep(plot), high + halfStep(plot)] } } : {}),
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
    },
    series: [
      {},
      ...names.map((label, index) => ({
        label,
        stroke: colour(`chart-${index + 1}`),
        width: 2,
        // A line of one value is a point.
        points: { size: 7, show: ({ data: lines }: uPlot, line: number) => !isColumns && valuesIn(lines[line]) === 1 },
        ...(index === 0 ? { fill: `${colour('chart-1')}${isColumns ? 'aa' : '22'}` } : {}),
        ...columns,
      })),
    ],
    axes: [
      {
        ...axis,
        size: 30,
        space: 72,
        values: (_plot, splits) => splits.map((split) => axisTime(split, splits, language)),
      },
      {
        ...axis,
        size: 64,
        ...(kind === 'bytes' ? { incrs: BYTE_STEPS } : isColumns ? { incrs: WHOLE_STEPS } : {}),
        values: (_plot, splits) => splits.map((split) => axisFigure(split, splits, kind, language)),
      },
    ],
  };
}

const BYTE_STEPS = Array.from({ length: 40 }, (_, power) => 2 ** power);
const WHOLE_STEPS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

const valuesIn = (line: uPlot.AlignedData[number] = []): number =>
  Array.from(line).filter((value) => value !== null && value !== undefined).length;

function halfStep({ data: [times] }: uPlot): number {
  const [first = 0, second = first + 1] = times;
  return (second - first) / 2;
}

/** Steps that are finer than the figures themselves are told apart. */
function axisFigure(at: number, splits: readonly number[], kind: FigureKind, language: string): string {
  const step = (splits[1] ?? at) - (splits[0] ?? at);
  return kind === 'count' && step > 0 && step < 0.5
    ? new Intl.NumberFormat(language, { maximumFractionDigits: 3 }).format(at)
    : figure(at, kind, language);
}

const DAY_SECONDS = 86_400;

function axisTime(at: number, splits: readonly number[], language: string): string {
  const span = (splits.at(-1) ?? at) - (splits[0] ?? at);
  const options: Intl.DateTimeFormatOptions =
    span > 2 * DAY_SECONDS
      ? { month: 'short', day: 'numeric' }
      : { hour: '2-digit', minute: '2-digit', hour12: false, ...(span < 300 ? { second: '2-digit' } : {}) };
  return new Intl.DateTimeFormat(language, options).format(at * 1_000);
}
