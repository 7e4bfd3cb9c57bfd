import { defineErrors, spec } from '../../base/index.ts';

type Place = {
  /** Without query: signed addresses are secrets. */
  readonly url: string;
};

const again = 'Run the same command again: what has arrived is kept.';

export const hubErrors = defineErrors('HUB', {
  badReference: spec<{ text: string; problem: string }>({
    fault: 'user', message: (m) => `"${m.text}" names no model: ${m.problem}.`, next: 'Give hf:OWNER/REPO/FILE.gguf, hf:OWNER/REPO:Q4_K_M, an https address or the path of a .gguf file.',
  }),
  insecure: spec<Place>({ fault: 'user', message: (m) => `${m.url} is not an https address.`, next: 'Give an address that starts with https:// (http is taken from this machine only).' }),
  insecureRedirect: spec<Place>({ fault: 'peer', message: (m) => `${m.url} leads to an address that is not https.`, next: 'Use another server.' }),
  redirects: spec<Place & { max: number }>({ fault: 'peer', message: (m) => `${m.url} leads on more than ${m.max} times.`, next: 'Use another server.' }),
  unreachable: spec<Place & { reason: string }>({ fault: 'peer', retryable: true, message: (m) => `${m.url} cannot be reached: ${m.reason}.`, next: 'Check the network and the address, then try again.' }),
  stalled: spec<Place & { waitedMs: number }>({ fault: 'peer', retryable: true, message: (m) => `${m.url} sent nothing for ${m.waitedMs / 1000} s.`, next: again }),
  brokenOff: spec<Place & { missingBytes: number }>({ fault: 'peer', retryable: true, message: (m) => `${m.url} broke off ${m.missingBytes} bytes too soon.`, next: again }),
  status: spec<Place & { status: number }>({ fault: 'peer', message: (m) => `${m.url} answered ${m.status}.`, next: 'Check the address.' }),
  serverFailed: spec<Place & { status: number; retryAfterMs?: number }>({ fault: 'peer', retryable: true, message: (m) => `${m.url} answered ${m.status}.`, next: again }),
  rateLimited: spec<Place & { retryAfterMs?: number }>({
    fault: 'peer', retryable: true, message: (m) => `${m.url} takes no more requests for now${m.retryAfterMs === undefined ? '' : ` (for ${Math.ceil(m.retryAfterMs / 1000)} s)`}.`, next: 'Wait, then run the same command again; with a token (HF_TOKEN) the limits are wider.',
  }),
  notAllowed: spec<Place & { status: number; hasToken: boolean }>({
    fault: 'user', message: (m) => `${m.url} is not open to ${m.hasToken ? 'the token given' : 'everybody'}, or does not exist.`,
    next: (m) => (m.hasToken ? 'Check the name, and accept the model\'s terms on its page with the account of the token.' : 'Check the name; for a gated or private model accept its terms on its page and set HF_TOKEN.'),
  }),
  notFound: spec<Place>({ fault: 'user', message: (m) => `${m.url} does not exist.`, next: 'Check owner, repository and file name; `omninode model search WORDS` finds models.' }),
  noRanges: spec<Place>({ fault: 'peer', message: (m) => `${m.url} does not serve parts of the file.`, next: 'Download it with another program and add the file.' }),
  badAnswer: spec<Place & { problem: string }>({ fault: 'peer', message: (m) => `${m.url} gave an answer that makes no sense: ${m.problem}.`, next: 'Use another server, or update OmniNode.' }),
  changed: spec<Place>({ fault: 'peer', retryable: true, message: (m) => `${m.url} changed while it was read.`, next: 'Run the same command again; it starts anew.' }),
  checksum: spec<Place & { expected: string; actual: string }>({ fault: 'peer', message: (m) => `${m.url} arrived with SHA-256 ${m.actual}, the hub says ${m.expected}.`, next: 'What arrived was removed. Run the same command again.' }),
  noModelFiles: spec<{ repo: string }>({ fault: 'user', message: (m) => `${m.repo} has no GGUF model file.`, next: 'Choose a repository with GGUF files: `omninode model search WORDS` lists such.' }),
  chooseFile: spec<{ repo: string; choices: readonly string[] }>({
    fault: 'user', message: (m) => `${m.repo} has ${m.choices.length} models.`, next: (m) => `Name one: ${m.choices.slice(0, 12).join(', ')}${m.choices.length > 12 ? ', ...' : ''}. With --list you see their sizes.`,
  }),
  noSuchFile: spec<{ repo: string; wanted: string; choices: readonly string[] }>({
    fault: 'user', message: (m) => `${m.repo} has no model "${m.wanted}".`, next: (m) => `Name one of: ${m.choices.slice(0, 12).join(', ')}${m.choices.length > 12 ? ', ...' : ''}.`,
  }),
  missingPart: spec<{ name: string; parts: number }>({ fault: 'user', message: (m) => `${m.name}, one of ${m.parts} parts of the model, is missing.`, next: 'Get all parts into one folder, or choose another model.' }),
  doesNotFit: spec<{ verdict: string }>({ fault: 'user', message: (m) => `the model ${m.verdict}`, next: 'Choose a smaller model or quantization, a shorter --context, name peers with --peer, or add it anyway with --force.' }),
  diskFull: spec<{ path: string; needBytes: number; freeBytes?: number }>({
    fault: 'local', message: (m) => `The disk is too full for ${m.path}: ${m.needBytes} bytes are needed${m.freeBytes === undefined ? '' : `, ${m.freeBytes} are free`}.`, next: `Free some space. ${again}`,
  }),
  writeFailed: spec<{ path: string }>({ fault: 'local', message: (m) => `${m.path} cannot be written.`, next: 'Check the folder and its permissions.' }),
  busy: spec<{ path: string; pid: number }>({ fault: 'local', retryable: true, message: (m) => `${m.path} is being downloaded by process ${m.pid}.`, next: 'Wait for it, or end it.' }),
  cancelled: spec<{ name: string }>({ fault: 'user', message: (m) => `The download of ${m.name} was cancelled.`, next: again }),
  badList: spec<{ path: string; problem: string }>({ fault: 'local', message: (m) => `The list of models ${m.path} cannot be used: ${m.problem}.`, next: 'Install OmniNode again.' }),
});
