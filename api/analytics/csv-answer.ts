/** When an answer is asked for as CSV, and how it is sent. */
import type { FastifyReply, FastifyRequest } from 'fastify';

/** By `?format=csv`, or by an `Accept` that names CSV and not JSON. */
export function wantsCsv(request: FastifyRequest): boolean {
  const { format } = request.query as { readonly format?: string };
  const { accept = '' } = request.headers;
  return format === 'csv' || (format === undefined && accept.includes('text/csv') && !accept.includes('json'));
}

/** @param name of the file, without its ending */
export function sendCsv(reply: FastifyReply, name: string, csv: string): FastifyReply {
  return reply
    .type('text/csv; charset=utf-8; header=present')
    .header('content-disposition', `attachment; filename="${fileName(name)}.csv"`)
    .header('cache-control', 'no-store')
    .send(csv);
}

/** Ids of users may hold anything. */
const fileName = (name: string): string => name.replace(/[^A-Za-z0-9._-]/g, '_');
