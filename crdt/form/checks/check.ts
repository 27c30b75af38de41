/** Checks of JSON that say what is wrong and where: as much as the form model needs, and small enough for every browser. */
import { isObject } from '../form-values.js';

export interface ValueIssue {
  /** Dotted, as `pages.0.fields.2.title`. */
  readonly path: string;
  readonly message: string;
}

/** Adds what is wrong with a value to `issues`. */
export type Check = (value: unknown, path: string, issues: ValueIssue[]) => void;

export function valueThat(accepts: (value: unknown) => boolean, rule: string): Check {
  return (value, path, issues) => {
    if (!accepts(value)) issues.push({ path, message: rule });
  };
}

/** An object with these members and no others. Those that may be absent may be undefined too. */
export function objectOf(checks: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  return (value, path, issues) => {
    if (!isObject(value)) {
      issues.push({ path, message: 'an object is needed' });
      return;
    }
    for (const key of required) if (value[key] === undefined) issues.push(at(path, key, 'this is missing'));
    for (const [key, member] of Object.entries(value)) {
      const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
      if (check === undefined) issues.push(at(path, key, 'there is no such member'));
      else if (member !== undefined) check(member, join(path, key), issues);
    }
  };
}

export function recordOf(isKey: (key: string) => boolean, rule: string, check: Check): Check {
  return (value, path, issues) => {
    if (!isObject(value)) {
      issues.push({ path, message: 'an object is needed' });
      return;
    }
    for (const [key, entry] of Object.entries(value)) {
      if (isKey(key)) check(entry, join(path, key), issues);
      else issues.push(at(path, key, rule));
    }
  };
}

export function listOf(check: Check): Check {
  return (value, path, issues) => {
    if (Array.isArray(value)) value.forEach((item, index) => check(item, join(path, String(index)), issues));
    else issues.push({ path, message: 'a list is needed' });
  };
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);
const at = (path: string, key: string, message: string): ValueIssue => ({ path: join(path, key), message });
