import type { IncomingHttpHeaders } from 'node:http';
import t from 'tap';
import { credentialsFrom, isAllowedOrigin, redactUrl } from './token-source.js';

const ORIGINS = ['https://forms.example.org'];
const tokenOf = (headers: IncomingHttpHeaders, url = '/doc', method = 'GET', origins: readonly string[] = ORIGINS) =>
  credentialsFrom({ headers, url, method }, origins).token;

void t.test('a token comes in the header, in the query or in the cookie, in this order', async (t) => {
  const cookie = { cookie: 'a=b; formloom_token=c; d=e' };
  t.equal(tokenOf({ authorization: 'Bearer h', ...cookie }, '/doc?token=q'), 'h');
  t.equal(tokenOf({ authorization: 'bearer  h ' }), 'h');
  t.equal(tokenOf(cookie, '/doc?x=1&token=q'), 'q');
  t.equal(tokenOf(cookie), 'c');
  t.equal(tokenOf({ cookie: 'formloom_token="c"' }), 'c');
  for (const headers of [
    {},
    { authorization: 'Basic h' },
    { authorization: 'Bearer' },
    { cookie: 'x_formloom_token=c' },
  ]) {
    t.equal(tokenOf(headers), undefined, JSON.stringify(headers));
  }
  t.equal(tokenOf({}, '/doc?token='), undefined);
  t.strictSame(credentialsFrom({ headers: { 'x-user': 'Ada' }, url: '/doc?user=Grace' }, []), { userHint: 'Grace' });
  t.strictSame(credentialsFrom({ headers: { 'x-user': 'Ada' }, url: '/doc' }, []), { userHint: 'Ada' });
  t.strictSame(credentialsFrom({ headers: {}, url: undefined }, []), {});
});

void t.test('the cookie counts only when no other site can have sent the request', async (t) => {
  const cookie = 'formloom_token=c';
  const host = 'api.example.org';
  const cases: [string, IncomingHttpHeaders, string, string | undefined][] = [
    ['a page of an allowed origin', { origin: 'https://forms.example.org' }, 'POST', 'c'],
    ['a page of the same host', { origin: 'https://api.example.org' }, 'POST', 'c'],
    ['a page of the same host, over plain http', { origin: 'http://API.example.org' }, 'POST', 'c'],
    ['a page of another site', { origin: 'https://evil.example' }, 'GET', undefined],
    ['a page of another port', { origin: 'https://api.example.org:8443' }, 'GET', undefined],
    ['a lookalike', { origin: 'https://forms.example.org.evil.example' }, 'GET', undefined],
    ['a sandboxed page', { origin: 'null' }, 'GET', undefined],
    ['a navigation', {}, 'GET', 'c'],
    ['a request without an origin that changes something', {}, 'POST', undefined],
    ['the same origin, as the browser says', { 'sec-fetch-site': 'same-origin' }, 'POST', 'c'],
    ['another site, as the browser says', { 'sec-fetch-site': 'cross-site' }, 'GET', undefined],
    ['a sibling site, as the browser says', { 'sec-fetch-site': 'same-site' }, 'GET', undefined],
    ['an address that was typed', { 'sec-fetch-site': 'none' }, 'GET', 'c'],
  ];
  for (const [title, headers, method, expected] of cases) {
    t.equal(tokenOf({ host, cookie, ...headers }, '/doc', method), expected, title);
  }
  const foreign = { host, cookie, origin: 'https://evil.example' };
  t.equal(tokenOf(foreign, '/doc', 'GET', ['*']), undefined, 'a star opens the cookie to no site');
  t.equal(tokenOf({ ...foreign, authorization: 'Bearer h' }, '/doc', 'POST'), 'h', 'a header no other site can send');
});

void t.test('origins are allowed by name, by the own host, or all', async (t) => {
  t.ok(isAllowedOrigin({}, []), 'a program sends none');
  t.ok(isAllowedOrigin({ origin: 'https://any.example' }, ['*']));
  t.ok(isAllowedOrigin({ origin: 'https://forms.example.org' }, ORIGINS));
  t.ok(isAllowedOrigin({ origin: 'http://localhost:1234', host: 'localhost:1234' }, []));
  t.notOk(isAllowedOrigin({ origin: 'http://localhost:1234', host: 'localhost:4321' }, []));
  t.notOk(isAllowedOrigin({ origin: 'https://any.example' }, ORIGINS));
  t.notOk(isAllowedOrigin({ origin: 'null', host: 'localhost' }, ORIGINS));
});

void t.test('a URL is logged without its token', async (t) => {
  t.equal(redactUrl('/doc?token=abc.def&sdk=1'), '/doc?token=[redacted]&sdk=1');
  t.equal(redactUrl('/doc?sdk=1&access_token=abc#x'), '/doc?sdk=1&access_token=[redacted]#x');
  t.equal(redactUrl('/doc?TOKEN=abc'), '/doc?TOKEN=[redacted]');
  t.equal(redactUrl('/doc?tokens=1'), '/doc?tokens=1');
});
