import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { decodeIntroduction } from '../../src-main/mesh/protocols/identify/schema.ts';
import { IDENTIFY_PROTOCOL } from '../../src-main/mesh/protocols/identify/constants.ts';
import { PING_BYTES, PING_PROTOCOL } from '../../src-main/mesh/protocols/ping/constants.ts';
import { findChromium, openBrowser, type TestBrowser } from '../support/browser.ts';
import type { Asked, BrowserPeer } from '../support/browser-peer.ts';
import { bundleForPage } from '../support/browser-page.ts';
import { PeerProcesses, type PeerProcess, type ProcessSetup } from '../support/peer-processes.ts';

const chromium = findChromium();
if (chromium === undefined) process.stderr.write('peers in browsers are not tested: no Chromium on this machine\n');

/** Its candidates are only those of other interfaces, otherwise. */
const LOOPBACK_FLAGS = ['--allow-loopback-in-peer-connection'];
/** Keys are made with what browsers give to secure pages alone; this name is one. Nothing is asked there: the page is put in its place. */
const PAGE = 'http://localhost/';
const WEBRTC = '/ip4/127.0.0.1/udp/0/webrtc-direct';

declare const browserPeer: BrowserPeer;

describe.skipIf(chromium === undefined)('a browser dials a node over WebRTC-direct', () => {
  // Each in a process of its own, as nodes are: the native part does not bear a second listener in one that browsers came to (src-main/mesh/README.md).
  const processes = new PeerProcesses();
  let browser: TestBrowser;
  let page: Page;
  const asked = new Set<string>();

  beforeAll(async () => {
    const script = await bundleForPage('./browser-peer.ts');
    browser = await openBrowser(chromium ?? '', LOOPBACK_FLAGS);
    page = await browser.context.newPage();
    await page.route('**', (route) => {
      asked.add(route.request().url());
      return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>peer</title>' });
    });
    await page.goto(PAGE);
    await page.addScriptTag({ content: script });
  });
  afterAll(async () => {
    await browser?.close();
    // The page that was put there, and nothing of anybody else.
    expect([...asked]).toEqual([PAGE]);
  });
  afterEach(() => processes.kill());

  async function start(setup: ProcessSetup = {}): Promise<{ readonly node: PeerProcess; readonly peer: string; readonly address: string }> {
    const node = processes.start({ listen: [WEBRTC], ...setup });
    const { peer, addresses } = await node.said('ready') as { peer: string; addresses: string[] } & Record<string, unknown>;
    return { node, peer, address: addresses[0] ?? '' };
  }
  const dial = (address: string): Promise<string> => page.evaluate((to) => browserPeer.dial(to), address);
  const ask = (protocol: string, frame?: readonly number[]): Promise<Asked> => page.evaluate(([name, bytes]) => browserPeer.ask(name, bytes), [protocol, frame] as const);

  test.each([['local', true], ['public', false]] as const)('in a %s zone it is met, hears who the node is and an echo of its ping, and the node ends well', async (_, isLocal) => {
    const { node, address } = await start({ isLocal });
    const id = await dial(address);
    expect(await node.said('connect')).toMatchObject({ peer: id });
    expect((await node.state())['peers']).toMatchObject([{ peer: id, direction: 'inbound', transport: 'webrtc-direct', route: 'direct' }]);
    const { frame = [] } = await ask(IDENTIFY_PROTOCOL);
    expect(decodeIntroduction(Uint8Array.from(frame))).toMatchObject({ agent: expect.stringMatching(/^process\/\d+$/), protocols: expect.arrayContaining([PING_PROTOCOL]) });
    const ping = Array.from({ length: PING_BYTES }, (__, i) => i * 7);
    expect(await ask(PING_PROTOCOL, ping)).toEqual({ frame: ping });
    expect(await node.stop()).toEqual({ code: 0, errors: '' });
  });

  test('another node than the one that the address names is not talked to', async () => {
    const [{ node, peer, address }, other] = [await start(), await start()];
    await expect(dial(address.replace(peer, other.peer))).rejects.toThrow();
    expect((await node.state())['peers']).toEqual([]);
    expect(await dial(address)).toMatch(/^12D3/);
  });
});
