import { securityHeaders } from '../http/headers.ts';
import { STYLE_HASH } from './style.ts';

const POLICY = [
  "default-src 'none'", `style-src ${STYLE_HASH}`, 'img-src data:', "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
  "require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ');

/** No script, no frame, no copy, no opener; and an origin in the forms' requests, which `no-referrer` would take away. */
export const DOCUMENT_HEADERS: Readonly<Record<string, string>> = {
  ...securityHeaders("'none'"), 'content-security-policy': POLICY, 'referrer-policy': 'same-origin', 'cache-control': 'no-store', connection: 'close', 'x-robots-tag': 'noindex',
};
