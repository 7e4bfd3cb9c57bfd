import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { buildDelayLine } from '../perf/lib/rpc-programs.ts';
import { createNetwork, type Network, type NetworkHost } from '../support/network.ts';

const spaces = (): string[] => execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n').filter((line) => line.startsWith(`omn-${process.pid}-`));
const noDelayLine = (): Promise<string> => Promise.reject(new Error('asked for a delay line'));

/** Why this machine has no namespaces; undefined where it has. */
async function whyNot(): Promise<string | undefined> {
  try {
    (await createNetwork({ hosts: 1, rttMs: 0, delayLine: noDelayLine })).stop();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}
const lacks = await whyNot();
if (lacks !== undefined) console.warn(`network tests skipped, no network namespaces: ${lacks}`);

test.skipIf(lacks !== undefined)('two networks at once have hosts that reach each other, and leave nothing behind', async () => {
  const networks: Network[] = [];
  for (let i = 0; i < 2; i++) networks.push(await createNetwork({ hosts: 2, rttMs: 0, delayLine: noDelayLine }));
  expect(spaces()).toHaveLength(6);
  for (const { hosts: [a, b] } of networks) {
    const [command = '', ...args] = a!.prefix;
    // Refused by the other host, which is there: an unreachable one would time out or say so.
    const dial = `require('node:net').connect(9, '${b!.address}').on('error', (e) => console.log(e.code))`;
    expect(execFileSync(command, [...args, process.execPath, '-e', dial], { encoding: 'utf8' }).trim()).toBe('ECONNREFUSED');
  }
  for (const network of networks) network.stop();
  expect(spaces()).toEqual([]);
});

test.skipIf(lacks !== undefined)('a network that fails half way leaves nothing behind', async () => {
  // Longer than the kernel takes for a delay, so that netem refuses too.
  await expect(createNetwork({ hosts: 2, rttMs: Number.MAX_SAFE_INTEGER, delayLine: noDelayLine })).rejects.toThrow('asked for a delay line');
  expect(spaces()).toEqual([]);
});

const RECEIVE = `const s = require('node:dgram').createSocket('udp4'); let n = 0;
  s.on('message', (m) => { if (m.length > 1) return n++; console.log(n); s.close(); }).bind(9, process.argv[1], () => console.error('ready'));`;
const PACKETS = 8000;
/** The last ones, of one byte, say that it is over; so many are not all lost. Few enough at a time for the receiver's buffer. */
const SEND = `const s = require('node:dgram').createSocket('udp4'); let left = ${PACKETS + 30};
  const step = () => { if (left-- === 0) return s.close(); s.send(Buffer.alloc(left < 30 ? 1 : 100), 9, process.argv[1], left % 20 === 0 ? () => setTimeout(step, 1) : step); }; step();`;
const run = ({ prefix: [command = '', ...args] }: NetworkHost, code: string, argument: string) => promisify(execFile)(command, [...args, process.execPath, '-e', code, argument]);

/** Of PACKETS, how many arrive. */
async function arriving(from: NetworkHost, to: NetworkHost): Promise<number> {
  const receiving = run(to, RECEIVE, to.address);
  await new Promise((resolve) => receiving.child.stderr?.once('data', resolve));
  await run(from, SEND, to.address);
  return Number((await receiving).stdout);
}

test.skipIf(lacks !== undefined)('a network loses as many packets as it is told, within 10 %, from when it is told', async () => {
  const network = await createNetwork({ hosts: 2, rttMs: 2, delayLine: buildDelayLine });
  try {
    const [a, b] = network.hosts as [NetworkHost, NetworkHost];
    expect(await arriving(a, b)).toBe(PACKETS);
    await network.change({ rttMs: 2, jitterMs: 0, lossPercent: 30 });
    const lost = 1 - (await arriving(a, b)) / PACKETS;
    // Six standard deviations of chance, with so many packets.
    expect(lost).toBeGreaterThan(0.27);
    expect(lost).toBeLessThan(0.33);
  } finally {
    network.stop();
  }
});
