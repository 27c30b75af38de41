/**
 * What the browser keeps for the app. Inside of frames of other sites, and where people forbid it, merely asking for it throws:
 * then things are kept as long as the page.
 */
export interface Kept {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  remove(key: string): void;
  keys(): readonly string[];
}

function kept(storage: () => Storage): Kept {
  const meanwhile = new Map<string, string>();
  const attempt = <T>(run: () => T, otherwise: T): T => {
    try {
      return run();
    } catch {
      return otherwise;
    }
  };
  return {
    get: (key) => meanwhile.get(key) ?? attempt(() => storage().getItem(key) ?? undefined, undefined),
    set: (key, value) => {
      const isKept = attempt(() => {
        storage().setItem(key, value);
        return true;
      }, false);
      // Full, or refused.
      if (isKept) meanwhile.delete(key);
      else meanwhile.set(key, value);
    },
    remove: (key) => {
      meanwhile.delete(key);
      attempt(() => storage().removeItem(key), undefined);
    },
    keys: () => attempt(() => Object.keys(storage()), []),
  };
}

/** Of this browser. */
export const browserStorage = kept(() => localStorage);
/** Of this tab. */
export const tabStorage = kept(() => sessionStorage);
