import { createHash } from 'node:crypto';
import type { Profile } from '../../src-main/mesh/capability/index.ts';
import type { SimNode } from './sim-node.ts';

const GIB = 2 ** 30;
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What a machine with a graphics card and two models tells, with its links to its neighbours. */
export function profileOf(node: SimNode, index: number): Profile {
  const layers: [number, number] = [index % 24, (index % 24) + 8];
  return {
    name: `node ${index}`, app: 'omninode/0.1.0',
    machine: { os: 'linux', osRelease: '6.8.0-45-generic', arch: 'x64', cpu: 'AMD Ryzen 9 7950X 16-Core Processor', cores: 32, ramTotalBytes: 64 * GIB, ramFreeBytes: 48 * GIB },
    gpus: [{ name: 'NVIDIA GeForce RTX 4090', memoryTotalBytes: 24 * GIB }], backend: 'cuda',
    speed: { model: 'calibration 20M', decodeTokensPerSecond: 812.5, prefillTokensPerSecond: 10_240.25, memoryBytesPerSecond: 61e9 },
    models: ['a model of 8B', 'a model of 32B'].map((name) => ({ name, hash: hashOf(name), totalLayers: 32, held: [layers], loaded: [layers] })),
    limits: { threads: 16, storeQuotaBytes: 200 * GIB, uploadBytesPerSecond: 12_500_000, givesShards: true },
    links: node.peers().slice(0, 32).map(({ peer }) => ({ peer, rttMs: 20.5 })),
  };
}
