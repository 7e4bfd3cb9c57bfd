import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createNetwork, type Network } from '../support/network.ts';

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
