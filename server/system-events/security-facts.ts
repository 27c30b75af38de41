/** Who is behind something that a guard has refused, as far as the guard knows. */
export interface SecurityFacts {
  /** Of the client. */
  readonly address?: string | undefined;
  readonly userId?: string | undefined;
  readonly document?: string | undefined;
  readonly connection?: string | undefined;
  readonly detail?: string | undefined;
}
