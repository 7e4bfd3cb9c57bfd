import { vi } from 'vitest';
import { appPaths, createNode, listProviders, shareStore, type Node, type Settings, type ShareOptions, type Sharing } from '../../src-main/host/index.ts';

/** A node that gives what its store has. */
export interface Member {
  readonly settings: Settings;
  readonly node: Node;
  readonly sharing: Sharing;
  readonly address: string;
}

export interface MemberOptions extends Pick<ShareOptions, 'tell' | 'times'> {
  readonly dial?: readonly Member[];
}

/** What else takes seconds and minutes. */
export const QUICK = { gatherMs: 10, checkMs: 50, growMs: 50, retellMs: 100 };

/** Members that a test starts, and whatever else it wants ended; `stop` does so, the last first. */
export class SharingMembers {
  readonly #stops: Array<() => Promise<unknown>> = [];

  async start(settings: Settings, { dial = [], tell, times }: MemberOptions = {}): Promise<Member> {
    const paths = appPaths();
    const node = await createNode({ settings, paths, shards: [], identity: 'file' });
    this.endsWith(() => node.stop());
    await node.start();
    for (const { address } of dial) await node.mesh.dial(address);
    const sharing = await shareStore({ config: settings.config, paths, mesh: node.mesh, times: { ...QUICK, ...times }, ...(tell === undefined ? {} : { tell }) });
    this.endsWith(() => sharing.stop());
    return { settings, node, sharing, address: node.mesh.addresses()[0]! };
  }

  endsWith(stop: () => Promise<unknown>): void {
    this.#stops.push(stop);
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }
}

/** Who gives it, as far as this member knows by itself. */
export const heardAt = async ({ settings }: Pick<Member, 'settings'>, cid: string): Promise<string[]> =>
  (await listProviders(settings.config, cid)).flatMap(({ providers }) => providers.map(({ peerId }) => peerId));

export const until = (holds: () => Promise<void>): Promise<void> => vi.waitFor(holds, { timeout: 20_000, interval: 50 });
