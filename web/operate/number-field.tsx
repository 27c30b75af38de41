/** A number in a row of a table, with its name for who does not see the head of the column. */
import type { ReactNode } from 'react';

interface NumberFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Id of the form that it belongs to: a row of a table cannot be one. */
  readonly form?: string;
  readonly min?: number;
  readonly step?: number | 'any';
}

export function NumberField({ label, value, onChange, form, min = 0, step = 'any' }: NumberFieldProps): ReactNode {
  return (
    <input
      className="number"
      type="number"
      required
      form={form}
      aria-label={label}
      min={min}
      step={step}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
