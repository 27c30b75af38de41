/** Counts side by side, each with its name and a bar. */
import type { ReactNode } from 'react';
import '../style/charts.css';

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Instead of the value. */
  readonly text?: string;
}

export function Bars({ label, bars }: { readonly label: string; readonly bars: readonly Bar[] }): ReactNode {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <ul className="bars" aria-label={label}>
      {bars.map(({ name, value, text }) => (
        <li key={name}>
          <span className="bar-name">
            <bdi>{name}</bdi>
          </span>
          <meter min={0} max={most} value={value} aria-label={name} />
          <span className="bar-value">{text ?? value}</span>
        </li>
      ))}
    </ul>
  );
}
