/** What a canvas cannot take from the style sheet: how wide it may be, and which colours hold. */
import { useEffect, useState, useSyncExternalStore } from 'react';

const dark = matchMedia('(prefers-color-scheme: dark)');

function subscribeToScheme(listener: () => void): () => void {
  dark.addEventListener('change', listener);
  return () => dark.removeEventListener('change', listener);
}

export function useColourScheme(): 'light' | 'dark' {
  return useSyncExternalStore(subscribeToScheme, () => (dark.matches ? 'dark' : 'light'));
}

/** In CSS pixels; 0 until it is laid out. */
export function useWidth(element: HTMLElement | null): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
