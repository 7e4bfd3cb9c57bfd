import { defineErrors, spec } from '../base/index.ts';

const LINK = 'Open the link that OmniNode printed when it started.';

const KEY = 'Make a key with `omninode key new --scope chat`, and send it as `Authorization: Bearer KEY`.';
type None = Record<string, never>;

export const apiErrors = defineErrors('API', {
  wrongHost: spec<{ host: string }>({ fault: 'user', message: (m) => `this node does not answer to the name "${m.host}"`, next: LINK }),
  wrongOrigin: spec<{ origin: string }>({ fault: 'user', message: (m) => `pages of ${m.origin} may not use this node`, next: LINK }),
  unauthorized: spec<Record<string, never>>({ fault: 'user', message: () => 'the key is missing or wrong', next: LINK }),
  rateLimited: spec<Record<string, never>>({ fault: 'user', retryable: true, message: () => 'too many requests in a short time', next: 'Wait a second, then try again.' }),
  tooManyClients: spec<{ limit: number }>({ fault: 'user', retryable: true, message: (m) => `${m.limit} pages are already connected`, next: 'Close one of them.' }),
  notFound: spec<{ path: string }>({ fault: 'user', message: (m) => `there is nothing at ${m.path}`, next: LINK }),
  badRequest: spec<{ what: string; field: string; reason: string }>({ fault: 'user', message: (m) => `${m.what}: ${m.field}: ${m.reason}`, next: 'Correct that field.' }),
  unsupported: spec<{ command: string }>({ fault: 'user', message: (m) => `this node does not offer ${m.command}`, next: 'Use a node that offers it, or a newer version.' }),
  internal: spec<Record<string, never>>({ fault: 'local', message: () => 'something went wrong inside the node', next: 'Try again; the log of the node has the details.' }),
  notRunning: spec<{ home: string }>({
    fault: 'local', retryable: true, message: (m) => `no OmniNode node runs with the home ${m.home}`, next: 'Start the app, `omninode serve` or `omninode listen` with the same --home, then ask again.',
  }),
  controlFailed: spec<{ reason: string }>({ fault: 'local', retryable: true, message: (m) => `the running app gave no figures: ${m.reason}`, next: 'Ask again; when it goes on, start the app anew: it may be of another version.' }),
  pageMissing: spec<{ folder: string }>({ fault: 'local', message: (m) => `the page is not built: ${m.folder} has no index.html`, next: 'Run `npm run build`.' }),
  portInUse: spec<{ host: string; port: number }>({ fault: 'user', message: (m) => `${m.host}:${m.port} is in use by another program`, next: 'Choose another port, or 0 for any free one.' }),
  needsTls: spec<{ host: string }>({
    fault: 'user', message: (m) => `the page would be on a network (${m.host}) for all to read: its key, questions and answers`,
    next: 'Name a certificate and its key in config.json (httpTlsCert, httpTlsKey); or set httpWithoutTls to true, if nobody else is on that network.',
  }),
  tlsHalf: spec<{ missing: string }>({ fault: 'user', message: (m) => `TLS needs a certificate and its key, and ${m.missing} is not named`, next: (m) => `Name both in config.json, or neither: add ${m.missing}.` }),
  tlsUnreadable: spec<{ path: string; reason: string }>({ fault: 'user', message: (m) => `${m.path} (TLS): ${m.reason}`, next: 'Correct httpTlsCert and httpTlsKey in config.json: two PEM files, the key without a password.' }),
  tlsKeyExposed: spec<{ path: string; mode: string }>({ fault: 'user', message: (m) => `${m.path}: everybody on this machine may read the TLS key (mode ${m.mode})`, next: (m) => `Run \`chmod 600 ${m.path}\`; if others use this machine, make a new key.` }),
  tlsMismatch: spec<{ certPath: string; keyPath: string }>({ fault: 'user', message: (m) => `${m.keyPath} is not the key of the certificate ${m.certPath}`, next: 'Name the two files that were made together.' }),
  tlsNotValid: spec<{ certPath: string; from: string; to: string }>({ fault: 'user', message: (m) => `${m.certPath} is good from ${m.from} to ${m.to}, and not now`, next: 'Renew the certificate, or set this machine\'s clock.' }),
  noKey: spec<None>({ fault: 'user', message: () => 'no key was sent', next: KEY }),
  wrongKey: spec<None>({ fault: 'user', message: () => 'this key is none of this node, or was removed', next: KEY }),
  missingScope: spec<{ scope: string; scopes: readonly string[] }>({
    fault: 'user', message: (m) => `this key may not do that: it needs the scope "${m.scope}" and has ${m.scopes.join(', ')}`, next: 'Make a key with that scope: `omninode key new --scope ...`.',
  }),
  keyRateLimited: spec<{ perMinute: number; retryAfterSeconds: number }>({
    fault: 'user', retryable: true, message: (m) => `this key may ask ${m.perMinute} times a minute`, next: 'Wait for as long as Retry-After says.',
  }),
  keysUnreadable: spec<{ path: string; reason: string }>({ fault: 'local', message: (m) => `${m.path}: ${m.reason}`, next: 'Correct the file or remove it; all keys in it are then gone.' }),
  keyListBroken: spec<None>({ fault: 'local', message: () => 'the list of keys cannot be read, so that none opens anything', next: '`omninode key ls` on that machine says why.' }),
  tooManyKeys: spec<{ limit: number }>({ fault: 'user', message: (m) => `there are ${m.limit} keys already`, next: 'Remove some: `omninode key ls`, `omninode key rm ID`.' }),
  noSuchKey: spec<{ key: string; found: number }>({
    fault: 'user', message: (m) => (m.found === 0 ? `there is no key "${m.key}"` : `${m.found} keys are named "${m.key}"`), next: 'Give the id that `omninode key ls` shows.',
  }),
  tooManyDownloads: spec<{ limit: number }>({ fault: 'user', retryable: true, message: (m) => `${m.limit} downloads are under way already`, next: 'Wait for one, or cancel it.' }),
});
