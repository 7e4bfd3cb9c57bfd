import type { FastifyRequest } from 'fastify';
import { apiErrors } from '../errors.ts';

/** Only a browser that goes to the document in a tab of its own, and only forms of ours. Throws API_WRONG_HOST, API_WRONG_ORIGIN. */
export function checkNavigation({ headers, method }: FastifyRequest, origin: string): void {
  const { host = '', origin: from } = headers;
  if (`http://${host}` !== origin) throw apiErrors.wrongHost({ host: host.slice(0, 200) });
  const [dest, mode, site] = [headers['sec-fetch-dest'], headers['sec-fetch-mode'], headers['sec-fetch-site']];
  const isNavigation = dest === 'document' && mode === 'navigate';
  const isOurs = method === 'GET' ? from === undefined || from === origin : method === 'POST' && site === 'same-origin' && from === origin;
  if (!isNavigation || !isOurs) throw apiErrors.wrongOrigin({ origin: String(from ?? 'this kind').slice(0, 200) });
}
