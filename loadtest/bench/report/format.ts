const SIGNIFICANT = 3;

/** Three significant digits, no exponent; a dash when there is no value. */
export function formatNumber(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(SIGNIFICANT)));
}
