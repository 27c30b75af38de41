/** Figures as people read them, in the language of the app. */
export type FigureKind = 'count' | 'percent' | 'ms' | 'bytes' | 'seconds';

const MEGABYTE = 1_048_576;

export function figure(value: number | null | undefined, kind: FigureKind, language: string): string {
  if (value === null || value === undefined) return '–';
  const number = (amount: number, digits: number): string =>
    new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(amount);
  switch (kind) {
    case 'count':
      return number(value, 1);
    case 'percent':
      return `${number(value, 1)} %`;
    case 'ms':
      return `${number(value, value < 10 ? 2 : 0)} ms`;
    case 'bytes':
      return value < MEGABYTE ? `${number(value / 1_024, 1)} kB` : `${number(value / MEGABYTE, 0)} MB`;
    case 'seconds':
      return duration(value, number);
  }
}

function duration(seconds: number, number: (amount: number, digits: number) => string): string {
  if (seconds < 60) return `${number(seconds, 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${number(seconds % 60, 0)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 0 to 1 as a percentage; null where there is nothing to compare with. */
export const share = (value: number | null | undefined, language: string): string =>
  figure(value === null || value === undefined ? value : value * 100, 'percent', language);
