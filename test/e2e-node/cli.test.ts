import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, startCli } from '../support/cli.ts';
import { generateModel } from '../support/models/index.ts';

let home = '';
const env = (): Record<string, string> => ({ OMNINODE_HOME: home, OMNINODE_THREADS: '1' });
const json = async (...args: string[]) => {
  const result = await cli([...args, '--json'], env());
  return { ...result, value: JSON.parse(result.stdout) };
};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'omninode-cli-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe('answers', () => {
  const question = 'How does OmniNode split a model?';

  it('pipeline-infer over 1, 2, 3 and 6 nodes gives the tokens of infer', async () => {
    const whole = (await json('infer', question, '--greedy', '--max-tokens', '40')).value;
    expect(whole.tokenIds.length).toBeGreaterThan(5);
    for (const nodes of [1, 2, 3, 6]) {
      const { value, code } = await json('pipeline-infer', question, '--cluster', String(nodes), '--greedy', '--max-tokens', '40', '--dtype', 'f32');
      expect(code).toBe(0);
      expect(value).toMatchObject({ text: whole.text, tokenIds: whole.tokenIds, promptTokens: whole.promptTokens });
      expect(value.stages).toHaveLength(nodes);
      expect(value.stages.map((s: { layers: number[] }) => s.layers).flat().at(-1)).toBe(5);
      expect(new Set(value.stages.map((s: { peerId: string }) => s.peerId)).size).toBe(nodes);
      expect(value.tokensPerSecond).toBeGreaterThan(0);
      expect(value.ttftMs).toBeGreaterThan(0);
    }
  });

  it('takes the way in eight bits, and no other that it does not know', async () => {
    const { value } = await json('pipeline-infer', question, '--cluster', '2', '--greedy', '--max-tokens', '40', '--dtype', 'q8');
    for (const fact of [/layer/i, /shard/i, /node/i]) expect(value.text).toMatch(fact);
    const { stderr, code } = await cli(['pipeline-infer', question, '--dtype', 'q9'], env());
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('f16, f32 or q8 is wanted') });
  });

  it('streams the answer to stdout and a line per stage to stderr', async () => {
    const { stdout, stderr, code } = await cli(['pipeline-infer', question, '--cluster', '3'], env());
    expect(code).toBe(0);
    expect(stdout.trim().length).toBeGreaterThan(20);
    expect(stderr.match(/^stage \d {2}peer \S+ {2}layers \d-\d {2}[\d.]+ MB loaded {2}[\d.]+ ms\/token$/gm)).toHaveLength(3);
    expect(stderr).toMatch(/\d+ tokens, [\d.]+ tokens\/s/);
  });

  it('samples the same answer for the same seed, another for another', async () => {
    const ask = async (seed: string) => (await json('pipeline-infer', question, '--cluster', '2', '--temperature', '5', '--top-k', '0', '--top-p', '1', '--min-p', '0', '--seed', seed, '--max-tokens', '24')).value.tokenIds;
    const first = await ask('1');
    expect(await ask('1')).toEqual(first);
    expect(await ask('2')).not.toEqual(first);
  });

  it('answers over nodes that run elsewhere', async () => {
    const cluster = startCli(['cluster', '3', '--json'], env());
    const { nodes } = JSON.parse(await cluster.until(/\n/));
    const peers = nodes.flatMap((node: { addresses: string[] }) => ['--peer', node.addresses[0]]);
    const { value, code } = await json('pipeline-infer', question, '--greedy', ...peers, '--max-tokens', '20');
    expect(code).toBe(0);
    expect(value.stages.map((s: { peerId: string }) => s.peerId)).toEqual(nodes.map((node: { peerId: string }) => node.peerId));
    cluster.child.kill('SIGINT');
    expect((await cluster.done).code).toBe(0);
  });
});

describe('looking into a pipeline', () => {
  it('plan says who would run what, for nodes to start and for nodes that run', async () => {
    const planned = (await json('pipeline', 'plan', '--cluster', '3')).value;
    expect(planned.stages.map(({ layers }: { layers: number[] }) => layers)).toEqual([[0, 1], [2, 3], [4, 5]]);
    // Nodes that may not fetch what they lack.
    const cluster = startCli(['cluster', '2', '--json'], { ...env(), OMNINODE_FETCH_LAYERS_FOR: 'nobody' });
    const { nodes } = JSON.parse(await cluster.until(/\n/));
    const over = (await json('pipeline', 'plan', ...nodes.flatMap((node: { addresses: string[] }) => ['--peer', node.addresses[0]]))).value;
    expect(over.stages.map(({ peerId, layers }: { peerId: string; layers: number[] }) => [peerId, layers])).toEqual(nodes.map((node: { peerId: string; layers: number[] }) => [node.peerId, node.layers]));
    expect(over.nodes.map(({ shards }: { shards: unknown[] }) => shards.length)).toEqual([1, 1]);
    for (const { able } of over.nodes) for (const figure of [able.freeBytes, able.decodeBytesPerSecond, able.prefillBytesPerSecond, able.rttMs]) expect(figure).toBeGreaterThan(0);
    expect(over.placement.explanation[0]).toContain('2 of 2 nodes used');
    expect(over.placement.tokensPerSecond).toBeGreaterThan(0);
    const half = await json('pipeline', 'plan', '--peer', nodes[1].addresses[0]);
    expect([half.code, half.value.error.code]).toEqual([2, 'PIPELINE_NO_PLACEMENT']);
    cluster.child.kill('SIGINT');
    await cluster.done;
    expect((await cli(['pipeline', 'plan', '--cluster', '3'], env())).stdout).toMatch(/^ +2 {2}node 2 +4-5 +2 +[\d.]+ MB +[\d.]+ %$/m);
  });

  it('plan shows each link with what was measured, and how earlier plans turned out', async () => {
    const apart = { ...env(), OMNINODE_HOME: join(home, 'apart') };
    const cluster = startCli(['cluster', '2', '--json'], apart);
    const { nodes } = JSON.parse(await cluster.until(/\n/));
    const peers: string[] = nodes.flatMap((node: { addresses: string[] }) => ['--peer', node.addresses[0]]);
    const { links, record } = JSON.parse((await cli(['pipeline', 'plan', ...peers, '--json'], apart)).stdout);
    expect(links.map(({ roundTrip, bandwidth }: { roundTrip: string; bandwidth: string }) => [roundTrip, bandwidth === 'assumed'])).toEqual([0, 1, 2].map(() => ['measured', false]));
    expect(record).toBeUndefined();
    expect((await cli(['pipeline-infer', 'How does OmniNode split a model?', '--greedy', ...peers, '--max-tokens', '20'], apart)).code).toBe(0);
    const { stdout } = await cli(['pipeline', 'plan', ...peers], apart);
    expect(stdout.match(/^\S+ +\S+ +[\d.]+ ms +measured +[\d.]+ MB\/s +(measured|at least)$/gm)).toHaveLength(3);
    expect(stdout).toMatch(/^predicted [\d.]+ tok\/s, measured [\d.]+; .*\(last answer over planned nodes\)$/m);
    cluster.child.kill('SIGINT');
    await cluster.done;
  });

  it('trace writes a file that a viewer opens, with every node and step', async () => {
    const path = join(home, 'traces', 'trace.json');
    const { value, code } = await json('pipeline', 'trace', 'How does OmniNode split a model?', '--cluster', '3', '--greedy', '--max-tokens', '40', '-o', path);
    expect(code).toBe(0);
    const { traceEvents, metadata } = JSON.parse(await readFile(path, 'utf8'));
    expect(value).toMatchObject({ file: path, events: traceEvents.length, metadata, report: { stages: [{}, {}, {}] } });
    const names = traceEvents.filter((event: { name: string }) => event.name === 'process_name').map(({ args }: { args: { name: string } }) => args.name.split(',')[0]);
    expect(names).toEqual(['coordinator', 'stage 0', 'stage 1', 'stage 2']);
    const { generatedTokens, itlMs, stages } = value.stats;
    expect(itlMs.p99).toBeGreaterThanOrEqual(itlMs.p50);
    const computed = traceEvents.filter(({ cat, pid }: { cat: string; pid: number }) => cat === 'compute' && pid === 1);
    // One prefill, and one pass for each token but the last.
    expect(computed.length).toBeGreaterThanOrEqual(generatedTokens);
    expect(stages.every(({ flow }: { flow: { bytesOut: number } }) => flow.bytesOut > 0)).toBe(true);
    expect(await readdir(join(home, 'traces'))).toEqual(['trace.json']);
  });

  it('trace shows one screen for eyes', async () => {
    const { stdout, stderr, code } = await cli(['pipeline', 'trace', 'Hi', '--cluster', '2', '--max-tokens', '8', '--out', join(home, 'eyes.json')], env());
    expect({ code, rows: stdout.match(/^ +\d {2}\.\.\.\S{8} +\d-\d .*\d+ steps, \+-[\d.]+ ms$/gm)?.length }).toEqual({ code: 0, rows: 2 });
    expect(stderr).toContain('events in');
    expect(stdout.split('\n').length).toBeLessThan(24);
  });

  it('status asks the app that serves this home, and nothing of its keys is shown', async () => {
    const none = await json('pipeline', 'status');
    expect([none.code, none.value.error.code]).toEqual([4, 'API_NOT_RUNNING']);
    const served = startCli(['serve', '--port', '0', '--cluster', '2', '--log-level', 'debug', '--json'], env());
    await served.until(/serving.*\n/);
    await expect.poll(async () => (await json('pipeline', 'status')).value.status?.kind, { timeout: 60_000 }).toBe('ready');
    const { key } = JSON.parse(await readFile(join(home, 'control.json'), 'utf8'));
    const { value } = await json('pipeline', 'status');
    expect(value).toMatchObject({ mode: 'headless', load: { answers: [], waiting: 0 } });
    expect(value.stages.map((stage: { layers: number[] }) => stage.layers)).toEqual([[0, 2], [3, 5]]);
    expect((await cli(['pipeline', 'status'], env())).stdout).toMatch(/ready[\s\S]*0 answers under way, 0 waiting for a place\nno answer yet/);
    served.child.kill('SIGINT');
    const { stdout, stderr } = await served.done;
    expect(`${stdout}${stderr}${JSON.stringify(value)}`).not.toContain(key);
    expect(existsSync(join(home, 'control.json'))).toBe(false);
  });
});

describe('sharding', () => {
  it('writes shards, a vocabulary and a manifest that can be written again over themselves', async () => {
    const out = join(home, 'cut');
    const first = (await json('shard', 'omni-guide', '--shards', '3', '--out', out)).value;
    expect(first.manifest.shards).toHaveLength(3);
    expect(await readdir(out)).toContain('manifest.json');
    const again = (await json('shard', 'omni-guide', '--shards', '3', '--out', out)).value;
    expect(again.manifestCid).toBe(first.manifestCid);
  });
});

describe('mesh', () => {
  it('delivers a text from send to listen', async () => {
    const listener = startCli(['listen', '--json'], env());
    const { addresses } = JSON.parse((await listener.until(/listening.*\n/)).split('\n')[0] ?? '');
    const sent = await json('send', 'hello mesh', '--peer', addresses[0]);
    expect(sent.value.recipients).toBeGreaterThan(0);
    expect(await listener.until(/hello mesh/)).toContain('"event":"message"');
    listener.child.kill('SIGTERM');
    expect((await listener.done).code).toBe(0);
  });
});

describe('bad input', () => {
  const bad = async (args: string[], code: number, error: string | RegExp) => {
    const result = await json(...args);
    expect({ code: result.code, error: result.value.error?.code }).toEqual({ code, error: expect.stringMatching(error) });
    expect(result.value.error.next ?? result.value.error.message).not.toBe('');
  };

  it.each(['infer', 'pipeline-infer'])('%s names what is wrong with a model file', async (command) => {
    const path = (name: string): string => join(home, name);
    await writeFile(path('random.gguf'), randomBytes(4096));
    await writeFile(path('empty.gguf'), '');
    await generateModel({ path: path('cut.gguf'), architecture: 'llama', type: 'Q4_0' });
    await truncate(path('cut.gguf'), 200_000);
    await generateModel({ path: path('odd.gguf'), architecture: 'llama', type: 'Q4_0', metadata: { 'general.architecture': { type: 'string', value: 'mystery' } } } as never);
    await bad([command, 'hi', '--model', path('random.gguf')], 2, /^GGUF_/);
    await bad([command, 'hi', '--model', path('empty.gguf')], 2, /^GGUF_/);
    await bad([command, 'hi', '--model', path('cut.gguf')], 2, /^(GGUF|ENGINE)_/);
    await bad([command, 'hi', '--model', path('odd.gguf')], 2, /^(SHARD|ENGINE|GGUF)_/);
    await bad([command, 'hi', '--model', path('absent.gguf')], 2, 'HOST_MODEL_NOT_FOUND');
    expect((await readdir(home, { recursive: true })).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it.each(['infer', 'pipeline-infer'])('%s refuses an empty prompt and one longer than the context', async (command) => {
    await bad([command, '  '], 2, 'CLI_EMPTY_PROMPT');
    await bad([command, 'word '.repeat(400), '--context-tokens', '64'], 2, /_PROMPT_TOO_LONG$/);
  });

  it('refuses more nodes than layers, unknown options and bad numbers', async () => {
    await bad(['pipeline-infer', 'hi', '--cluster', '7'], 2, 'HOST_TOO_MANY_STAGES');
    expect((await cli(['pipeline-infer', 'hi', '--cluster', 'many'], env())).code).toBe(2);
    expect((await cli(['infer', 'hi', '--frobnicate'], env())).code).toBe(2);
    expect((await cli(['frobnicate'], env())).code).toBe(2);
  });

  it('serve ends with what is wrong with its model', async () => {
    const path = join(home, 'no-model.gguf');
    await writeFile(path, randomBytes(4096));
    const { code, stdout } = await cli(['serve', '--port', '0', '--model', path, '--json'], env());
    const said = stdout.trim().split('\n').map((line) => JSON.parse(line));
    expect({ code, said }).toEqual({ code: 2, said: [expect.objectContaining({ event: 'serving' }), { error: expect.objectContaining({ code: expect.stringMatching(/^GGUF_/) }) }] });
  });

  it('says when nobody answers at an address', async () => {
    const nobody = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN';
    await bad(['pipeline-infer', 'hi', '--peer', nobody], 4, 'MESH_DIAL_FAILED');
    await bad(['pipeline-infer', 'hi', '--peer', 'nonsense'], 4, /^MESH_/);
  });
});

describe('help', () => {
  it('has examples for every command, and completion for three shells', async () => {
    const { stdout } = await cli(['--help']);
    for (const command of ['doctor', 'listen', 'invite', 'join', 'send', 'shard', 'model', 'store', 'infer', 'pipeline-infer', 'pipeline', 'cluster', 'serve', 'embed', 'verify']) {
      expect(stdout).toContain(command);
      expect((await cli([command, '--help'])).stdout).toMatch(/Examples?:/);
    }
    const groups = { pipeline: ['plan', 'status', 'trace'], model: ['ls', 'show', 'rm', 'pin', 'unpin'], store: ['verify', 'gc', 'stats'] };
    for (const [group, commands] of Object.entries(groups)) for (const command of commands) expect((await cli([group, command, '--help'])).stdout).toMatch(/Examples?:/);
    expect((await cli(['pipeline', 'frobnicate'])).code).toBe(2);
    for (const shell of ['bash', 'zsh', 'fish']) expect((await cli(['completion', shell])).stdout).toMatch(/pipeline[^\n]*trace/);
    for (const shell of ['bash', 'zsh', 'fish']) expect((await cli(['completion', shell])).stdout).toContain('pipeline-infer');
  }, 240_000);

  it('doctor finds this machine able', async () => {
    const { value, code } = await json('doctor');
    expect(value.checks.filter((check: { ok: boolean }) => !check.ok)).toEqual([]);
    expect(code).toBe(0);
    expect(existsSync(home)).toBe(true);
    expect((await readFile(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8'))).toContain('omninode doctor');
  });
});
