import { request, type IncomingHttpHeaders } from 'node:http';
import { encodeFunctionData, stringToHex } from 'viem';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { COMMITTEE_ABI, NETWORK, PASSWORD, STAKING_ABI, walletGround, type WalletGround } from '../../../test/support/wallet-ground.ts';
import { ManualClock } from '../../base/index.ts';
import { faultProof } from '../../chain/index.ts';
import { DOCUMENT_LIMITS } from './options.ts';

const NAVIGATION = { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' } as const;
let ground: WalletGround;
let clock: ManualClock;
beforeEach(async () => {
  clock = new ManualClock(1_800_000_000_000);
  ground = await walletGround({ clock });
});
afterEach(() => ground.stop());

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** As a program asks that can send any header. */
function ask(url: string, { method = 'GET', headers = {}, body }: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {}): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const sent = request(url, { method, headers, agent: false }, (reply) => {
    const parts: Buffer[] = [];
    reply.on('data', (part: Buffer) => parts.push(part)).on('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text: Buffer.concat(parts).toString() }));
  });
  sent.on('error', reject).end(body);
  return promise;
}
const look = (url: string, headers: Record<string, string> = {}) => ask(url, { headers: { ...NAVIGATION, ...headers } });
const post = (url: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  ask(url, { method: 'POST', headers: { ...NAVIGATION, 'sec-fetch-site': 'same-origin', origin: new URL(url).origin, 'content-type': 'application/x-www-form-urlencoded', ...headers }, body: new URLSearchParams(fields).toString() });
const tokenIn = ({ text }: Reply): string => /name="token" value="([\w-]{43})"/.exec(text)?.[1] ?? 'none';
const askToSign = () => ground.provider.answer({ method: 'personal_sign', params: ['0x61', ground.wallet.address] });
/** What a limiter counts in a test is not what it is about. */
const settle = (): void => clock.advance(10_000);

it('are shown to a browser that goes there, and to nobody else', async () => {
  const { url } = await ground.documents.open('create');
  const shown = await look(url);
  expect(shown).toMatchObject({
    status: 200,
    headers: {
      'cache-control': 'no-store', 'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin', 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin',
      'content-security-policy': expect.stringMatching(/^default-src 'none'; style-src 'sha256-[\w+/=]+'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'/),
    },
  });
  expect(shown.text).not.toMatch(/<script|javascript:|\son\w+=/);
  expect(Object.keys(shown.headers).filter((name) => name.startsWith('access-control') || name === 'set-cookie')).toEqual([]);
  settle();
  const { origin, port } = new URL(url);
  const refused: readonly [number, Record<string, string>][] = [
    [421, { host: 'evil.example' }], [421, { host: `localhost:${port}` }], [421, { host: '127.0.0.1' }], [421, { host: `evil.example:${port}` }],
    [403, { 'sec-fetch-dest': 'iframe' }], [403, { 'sec-fetch-dest': 'empty' }], [403, { 'sec-fetch-mode': 'cors' }], [403, { 'sec-fetch-mode': 'no-cors' }], [403, { 'sec-fetch-dest': 'embed' }], [403, { 'sec-fetch-dest': '' }], [403, { origin: 'http://evil.example' }], [403, { origin: 'null' }],
  ];
  for (const [status, headers] of refused) {
    const reply = await look(url, headers);
    expect([headers, reply.status, reply.text.includes('token')]).toEqual([headers, status, false]);
    settle();
  }
  expect((await ask(url)).status).toBe(403);
  settle();
  for (const path of ['/', '/create', `/${'A'.repeat(43)}`, '/..%2f', `${new URL(url).pathname}x`, `${new URL(url).pathname}/x`]) expect([path, (await look(`${origin}${path}`)).status]).toEqual([path, 404]);
});

it('take a form once, from themselves alone, and leave everything as it is otherwise', async () => {
  const { url } = await ground.documents.open('create');
  const fields = { action: 'main', password: PASSWORD, again: PASSWORD, words: '12' };
  const token = tokenIn(await look(url));
  const wrong: readonly Record<string, string>[] = [
    { origin: 'http://evil.example' }, { origin: 'null' }, { origin: '' }, { 'sec-fetch-site': 'same-site' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'none' }, { 'sec-fetch-mode': 'cors' }, { 'sec-fetch-dest': 'empty' }, { host: 'evil.example' },
  ];
  for (const headers of wrong) {
    expect([headers, (await post(url, { ...fields, token }, headers)).status]).toEqual([headers, 'host' in headers ? 421 : 403]);
    settle();
  }
  expect((await post(url, { ...fields, token }, { 'content-type': 'text/plain' })).status).toBe(415);
  expect((await post(url, { ...fields, token, more: 'x'.repeat(70_000) })).status).toBe(413);
  for (const method of ['PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH']) expect([method, (await ask(url, { method, headers: { ...NAVIGATION, origin: new URL(url).origin } })).status]).toEqual([method, 403]);
  settle();
  for (const bad of ['', 'x', '__proto__', tokenIn(await look((await ground.documents.open('import')).url))]) expect((await post(url, { ...fields, token: bad })).text).toContain('Nothing was done by it');
  expect(ground.wallet.state().status).toBe('none');
  settle();
  const made = await post(url, { ...fields, token });
  expect([made.status, made.text.match(/<li>/g)?.length, ground.wallet.state().status]).toEqual([200, 12, 'ready']);
  expect((await post(url, { ...fields, token })).status).toBe(404);
  expect((await look(url)).status).toBe(404);
});

it('bind a decision to what was shown, wait a second for it, and cannot be sent twice', async () => {
  await ground.wallet.create(PASSWORD);
  const [first, second] = [askToSign(), askToSign()];
  const { url } = await ground.documents.open('consent');
  const early = tokenIn(await look(url));
  const approve = (token: string, more: Record<string, string> = { read: 'yes' }) => post(url, { token, action: 'main', decision: 'approve', ...more });
  const tooFast = await approve(early);
  expect([tooFast.status, tooFast.text.includes('within a second'), ground.consents.waiting().length]).toEqual([422, true, 2]);
  const [stale, token] = [tokenIn(tooFast), tokenIn(await look(url))];
  clock.advance(DOCUMENT_LIMITS.minAgeMs);
  expect((await approve(token, {})).text).toContain('Tick the box');
  expect((await approve(token)).text).toContain('sent before');
  const seen = tokenIn(await look(url));
  clock.advance(DOCUMENT_LIMITS.minAgeMs);
  expect((await approve(seen)).text).toContain('Approved');
  expect(await first).toMatchObject({ result: expect.any(String) });
  // A form that showed the first one decides nothing of the second.
  expect((await approve(stale)).text).toContain('what was shown is not what waits now'.replace('w', 'W'));
  expect(ground.consents.waiting().length).toBe(1);
  await ground.documents.closed(url);
  expect(await second).toMatchObject({ error: { code: 4001 } });
});

it('show what strangers or others wrote as text, and nothing else', async () => {
  await ground.wallet.create(PASSWORD);
  const { Committee, StakingContract } = NETWORK.contracts;
  const word = `0x${'7'.repeat(64)}` as const;
  const data = encodeFunctionData({ abi: COMMITTEE_ABI, functionName: 'openCase', args: [word, word, stringToHex('<b onclick="x">here</b>\n')] });
  const slash = encodeFunctionData({ abi: STAKING_ABI, functionName: 'slash', args: [word, faultProof({ ruledSessionId: word })] });
  const asked = ground.provider.answer({ method: 'wallet_sendCalls', params: [{ version: '2.0.0', chainId: '0x7a69', from: ground.wallet.address, atomicRequired: false, calls: [{ to: Committee, data }, { to: StakingContract, data: slash }] }] });
  if (ground.consents.waiting().length === 0) await ground.consents.events.once('changed');
  const { url } = await ground.documents.open('consent');
  const { text } = await look(url);
  expect(text).toContain('(“&lt;b onclick=&quot;x&quot;&gt;here&lt;/b&gt;\\u{a}”)');
  expect(text).toContain(`(what a committee ruled about a session: ${word})`);
  expect(text).not.toContain('<b ');
  await ground.documents.closed(url);
  expect(await asked).toMatchObject({ error: { code: 4001 } });
});

it('that are closed refuse what they showed, and nothing that they did not', async () => {
  await ground.wallet.create(PASSWORD);
  const answer = askToSign();
  const { url } = await ground.documents.open('consent');
  await ground.documents.closed(url);
  expect(ground.consents.waiting().length).toBe(1);
  const again = (await ground.documents.open('consent')).url;
  await look(again);
  await ground.documents.closed(again);
  expect(await answer).toMatchObject({ error: { code: 4001, data: { code: 'WALLET_REFUSED' } } });
  await ground.documents.closed('http://127.0.0.1:1/unknown');
});

it('open only where there is something to do, on a port that is closed after the last of them, and end after a quarter of an hour', async () => {
  const code = (document: Parameters<WalletGround['documents']['open']>[0]) => ground.documents.open(document).then(() => undefined, (error: { code: string }) => error.code);
  for (const document of ['unlock', 'export', 'limits', 'consent'] as const) expect([document, await code(document)]).toEqual([document, 'WALLET_NONE']);
  await ground.wallet.create(PASSWORD);
  expect([await code('create'), await code('import'), await code('consent')]).toEqual(['WALLET_EXISTS', 'WALLET_EXISTS', 'WALLET_NOTHING_WAITS']);
  const { url } = await ground.documents.open('unlock');
  expect((await ground.documents.open('unlock')).url).toBe(url);
  const token = tokenIn(await look(url));
  clock.advance(DOCUMENT_LIMITS.ticketMs);
  expect((await post(url, { token, action: 'main', password: PASSWORD })).status).toBe(404);
  await expect.poll(() => look(url).then(() => 'open', () => 'closed'), { timeout: 60_000 }).toBe('closed');
  expect((await look((await ground.documents.open('unlock')).url)).status).toBe(200);
});

it('say what others wrote as text, and never the password that was sent', async () => {
  await ground.wallet.create(PASSWORD);
  const text = '<script>alert(1)</script>"\'&';
  void ground.provider.answer({ method: 'personal_sign', params: [`0x${Buffer.from(text).toString('hex')}`, ground.wallet.address] });
  const { url } = await ground.documents.open('consent');
  const shown = await look(url);
  expect(shown.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;');
  expect(shown.text).not.toContain('<script');
  const unlock = (await ground.documents.open('unlock')).url;
  const reply = await post(unlock, { token: tokenIn(await look(unlock)), action: 'main', password: 'a wrong secret word' });
  expect([reply.status, reply.text.includes('not the password'), reply.text.includes('a wrong secret word')]).toEqual([422, true, false]);
});

it('are asked no faster than a person could', async () => {
  const { url } = await ground.documents.open('create');
  const statuses = await Promise.all(Array.from({ length: DOCUMENT_LIMITS.burst + 10 }, () => look(url).then(({ status }) => status)));
  expect(statuses.filter((status) => status === 429).length).toBe(10);
});
