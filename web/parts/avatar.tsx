/** People by their initials and a colour of their own. */
import type { ReactNode } from 'react';

const COLOURS = 8;

/** The same for the same person everywhere. */
export function colourOf(id: string): string {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return `person-${hash % COLOURS}`;
}

export interface AvatarProps {
  readonly id: string;
  readonly name?: string | undefined;
  readonly isSmall?: boolean;
}

export function Avatar({ id, name = id, isSmall = false }: AvatarProps): ReactNode {
  const initials = name
    .split(/\s+/)
    .slice(0, 2)
    .map((part) => part.charAt(0).toUpperCase())
    .join('');
  return (
    <span className={`avatar ${colourOf(id)} ${isSmall ? 'small' : ''}`} title={name} role="img" aria-label={name}>
      {initials}
    </span>
  );
}
