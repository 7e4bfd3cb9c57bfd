import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { appPaths, buildHost, inferPipeline, loadSettings, type Host } from '../../src-main/host/index.ts';
import type { PlannerMemory } from '../../src-main/host/planner-memory.ts';
import { GREEDY, type SamplingOptions } from '../../src-main/inference/index.ts';
import { privacyAhead } from '../../src-renderer/stores/format.ts';
import type { AboutPeer, AnswerDetail, HostStatus, Stage } from '../../src-preload/bridge/index.ts';
import { CliRuns, type RunningCli } from '../support/cli.ts';

/** The app (A, in this process) chats with the model inside over two others (B and C, `omninode serve`) that compute for others, each with room for a part of it. */
const TIMEOUT_MS = 240_000;
const prompt = { kind: 'chat', messages: [{ role: 'user', content: 'How does OmniNode split a model between machines, and who sees what?' }] } as const;
/** Too warm to end by itself before a machine is lost. Compared over the same stages only: hidden states are rounded between them. */
const WARM: SamplingOptions = { ...GREEDY, temperature: 5, seed: 11 };
const maxTokens = 800;
const signal = new AbortController().signal;
const runs = new CliRuns();
let root = '';
let host: Host;

interface Member {
  readonly peerId: string;
  readonly run: RunningCli;
}

beforeAll(async () => { root = await mkdtemp(join(tmpdir(), 'omninode-chat-over-')); });
afterAll(async () => {
  await host?.stop();
  await runs.stop();
  await rm(root, { recursive: true, force: true });
});

/** Looks again whenever the host tells something. */
function until<T>(look: () => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const offs: (() => void)[] = [];
    const check = (): void => {
      const found = look();
      if (found === undefined) return;
      for (const off of offs) off();
      resolve(found);
    };
    offs.push(host.api.events.on('status', check), host.api.events.on('stages', check), host.api.events.on('answered', check), host.api.events.on('members', check));
    check();
  });
}

const failsWith = (code: string): Promise<Extract<HostStatus, { kind: 'error' }>> => until(() => {
  const status = host.api.status();
  return status.kind === 'error' && status.code === code ? status : undefined;
});
const ready = (): Promise<readonly Stage[]> => until(() => (host.api.status().kind === 'ready' ? host.api.stages() : undefined));

async function member(name: string, memoryBytes: number): Promise<Member> {
  const home = join(root, name);
  await mkdir(home);
  await writeFile(join(home, 'config.json'), JSON.stringify({ peers: host.api.info().addresses.slice(0, 1) }));
  const run = runs.start(['serve', '--json'], {
    OMNINODE_HOME: home, OMNINODE_NAME: name, OMNINODE_THREADS: '1', OMNINODE_CALIBRATE: '0', OMNINODE_SHARE_STORE: '0', OMNINODE_CONTRIBUTE: '1', OMNINODE_CONTRIBUTE_MEMORY_BYTES: String(memoryBytes),
  });
  await run.until(/"event":"serving"/);
  return { peerId: await until(() => (host.api.members?.() ?? []).find((one) => one.name === name)?.peerId), run };
}

async function complete(sampling: SamplingOptions, onToken: (count: number) => void = () => undefined): Promise<{ readonly text: string; readonly tokens: number }> {
  let [text, tokens] = ['', 0];
  for await (const part of host.api.completions!.complete({ prompt, sampling, maxTokens, grammar: undefined, topLogprobs: undefined, signal })) {
    if (part.kind === 'token') onToken(tokens += 1);
    if (part.kind === 'token' || part.kind === 'done') text += part.text;
  }
  return { text, tokens };
}

it.runIf(process.platform !== 'win32')('the app chats over members as soon as they serve, tells who sees it, and goes on token for token when one is lost', async () => {
  const settings = await loadSettings({ home: join(root, 'a'), threads: 1, calibrate: false, shareStore: false, chatOver: 'mesh', logLevel: 'silent' }, {});
  host = await buildHost({ settings, paths: appPaths(), mode: 'headless', nodes: 3 });
  await host.start();
  expect(host.api.status()).toMatchObject({ kind: 'error', code: 'HOST_NOBODY_SERVES', next: expect.stringContaining('Compute for others') });
  await expect(complete(GREEDY)).rejects.toMatchObject({ code: 'HOST_MODEL_NOT_SERVED', meta: { code: 'HOST_NOBODY_SERVES' } });

  // What the model takes is 6 MB: room for a part of it.
  const b = await member('b', 5_000_000);
  expect(await failsWith('HOST_MESH_TOO_SMALL')).toMatchObject({ message: expect.stringMatching(/^omni-guide needs \d MB with its context, and the machine that is there has 5 MB free$/), next: expect.stringMatching(/^It needs 1 more machine with 5 MB free/) });
  const c = await member('c', 5_000_000);
  const stages = await ready();
  expect(new Set(stages.map(({ peerId }) => peerId))).toEqual(new Set([b.peerId, c.peerId]));
  expect(privacyAhead(stages)).toEqual({ text: expect.stringMatching(/^2 strangers/), isPrivate: false });

  const local = await inferPipeline(await loadSettings({ home: join(root, 'local'), threads: 1, logLevel: 'silent' }, {}), { prompt, sampling: GREEDY, maxTokens, dtype: 'f16', route: { kind: 'cluster', nodes: 2 } }, { signal });
  expect(await complete(GREEDY)).toEqual({ text: local.text, tokens: local.tokenIds.length });
  expect(await newest()).toMatchObject({ machines: 2, failovers: 0, route: stages.map(({ peerId, layers }) => ({ peerId, layers, ownership: 'stranger' })) });

  // Strangers sign what they computed; the answer did not wait for it.
  const counts = () => [b, c].map(({ peerId }) => (host.api.network?.about({ peerId }) as AboutPeer).receipts ?? { due: 0, signed: 0, failed: 0 });
  await expect.poll(() => Math.min(...counts().map(({ due }) => due)), { timeout: 60_000 }).toBeGreaterThan(0);

  const whole = await complete(WARM);
  await expect.poll(() => Math.max(...counts().map(({ signed }) => signed)), { timeout: 60_000 }).toBeGreaterThan(0);
  expect(counts().map(({ failed }) => failed)).toEqual([0, 0]);
  expect(await complete(WARM, (count) => { if (count === 1) b.run.child.kill('SIGKILL'); })).toEqual(whole);
  // Nobody else has room for it: this machine takes over, and says so.
  const { peerId: self } = host.api.info();
  const lost = stages.find(({ peerId }) => peerId === b.peerId);
  expect(await newest()).toMatchObject({ machines: 2, failovers: 1, losses: [{ peerId: b.peerId, layers: lost?.layers, takenBy: [{ peerId: self, layers: lost?.layers }] }] });
  expect(host.api.stages()).toEqual(expect.arrayContaining([expect.objectContaining({ peerId: self, ownership: 'this-machine' }), expect.objectContaining({ peerId: c.peerId, ownership: 'stranger' })]));
  expect(privacyAhead(host.api.stages())).toEqual({ text: expect.stringMatching(/^1 stranger/), isPrivate: false });

  // Answers on the stages that were planned teach the next plan; the one that lost a stage does not.
  await host.stop();
  const { nodes, answers } = JSON.parse(await readFile(join(root, 'a', 'planner.json'), 'utf8')) as PlannerMemory;
  expect(new Set(nodes.map(({ peer }) => peer))).toEqual(new Set([b.peerId, c.peerId]));
  expect(answers.map(({ stages: count, answerTokens }) => [count, answerTokens])).toEqual([[2, local.tokenIds.length], [2, whole.tokens]]);
}, TIMEOUT_MS);

async function newest(): Promise<AnswerDetail> {
  const { pipeline } = host.api;
  const { answers } = await pipeline!.history({ offset: 0, limit: 1 });
  return pipeline!.answer({ id: answers[0]?.id ?? 0 });
}
