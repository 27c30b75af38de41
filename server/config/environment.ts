/** The environment of this process; read here so that no other folder knows of it. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}
