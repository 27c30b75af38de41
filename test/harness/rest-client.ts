/** The REST surface as a back end calls it, over real HTTP. */
export interface Answer<T = Json> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
  readonly text: string;
}

// Answers are looked into member by member; a wrong shape fails the assertion that looks.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;

export interface CallOptions {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is when a string or bytes, else as JSON. */
  readonly body?: unknown;
}

export interface RestClient {
  get(path: string, options?: CallOptions): Promise<Answer>;
  post(path: string, body?: unknown, options?: CallOptions): Promise<Answer>;
  patch(path: string, body: unknown, options?: CallOptions): Promise<Answer>;
  put(path: string, body: unknown, options?: CallOptions): Promise<Answer>;
  delete(path: string, options?: CallOptions): Promise<Answer>;
  bytes(path: string, options?: CallOptions): Promise<Uint8Array>;
}

/** @param token sent with every call that names none */
export function restClient(http: string, token?: string): RestClient {
  const call = async (method: string, path: string, options: CallOptions): Promise<Response> => {
    const headers: Record<string, string> = { ...options.headers };
    const bearer = options.token ?? token;
    if (bearer !== undefined) headers['authorization'] ??= `Bearer ${bearer}`;
    let body: string | Uint8Array<ArrayBuffer> | undefined;
    if (options.body instanceof Uint8Array) {
      headers['content-type'] ??= 'application/octet-stream';
      body = new Uint8Array(options.body);
    } else if (options.body !== undefined) {
      headers['content-type'] ??= 'application/json';
      body = typeof options.body === 'string' ? options.body : JSON.stringify(options.body);
    }
    return fetch(`${http}/api/v1${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  };
  const answer = async (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
    const response = await call(method, path, options);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  };
  return {
    get: (path, options) => answer('GET', path, options),
    post: (path, body, options) => answer('POST', path, { ...options, body }),
    patch: (path, body, options) => answer('PATCH', path, { ...options, body }),
    put: (path, body, options) => answer('PUT', path, { ...options, body }),
    delete: (path, options) => answer('DELETE', path, options),
    bytes: async (path, options = {}) => new Uint8Array(await (await call('GET', path, options)).arrayBuffer()),
  };
}
