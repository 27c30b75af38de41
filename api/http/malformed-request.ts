/** Answers to what is no HTTP request: it has no route and no caller, but its problem is told as all others are. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Problem, PROBLEM_TYPE, shownProblem } from './problem.js';

export function answerMalformedRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) socket.write(answerTo(problemOf(error.code)));
  socket.destroy();
}

function problemOf(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem('headers_too_large', 'The header fields are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request_timeout', 'The request did not come in time.');
  return new Problem('bad_request', 'This is not an HTTP request.');
}

function answerTo(problem: Problem): string {
  const body = JSON.stringify(shownProblem(problem, '/'));
  return [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
