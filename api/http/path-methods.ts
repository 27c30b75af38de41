/** Which methods a path has: for 405 with `Allow` (RFC 9110, 15.5.6). The router knows a path only with its method. */
import type { FastifyInstance } from 'fastify';

interface KnownRoute {
  readonly segments: readonly string[];
  readonly methods: readonly string[];
}

export class PathMethods {
  readonly #routes: KnownRoute[] = [];

  /** Before the routes are registered. */
  constructor(api: FastifyInstance) {
    api.addHook('onRoute', ({ url, method }) => {
      const methods = [method].flat().filter((name) => name !== 'OPTIONS');
      if (url.startsWith('/') && methods.length > 0) this.#routes.push({ segments: segmentsOf(url), methods });
    });
  }

  /** Ordered by name; none when there is no such path. */
  of(path: string): string[] {
    const segments = segmentsOf(path);
    const found = this.#routes.filter((route) => isMatch(route.segments, segments)).flatMap(({ methods }) => methods);
    return [...new Set(found)].sort();
  }
}

const segmentsOf = (path: string): string[] => path.split('/').slice(1);

function isMatch(route: readonly string[], path: readonly string[]): boolean {
  const isOpen = route.at(-1) === '*';
  if (isOpen ? path.length < route.length : path.length !== route.length) return false;
  return route.every((segment, index) => {
    if (segment === '*' && index === route.length - 1) return true;
    return segment.startsWith(':') ? path[index] !== '' : segment === path[index];
  });
}
