import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startControlServer } from '../../api/index.ts';
import { silentLogger } from '../../base/index.ts';
import { MEMBERS, ScriptedHost } from '../../../test/support/scripted-host.ts';
import { members } from './members.ts';

let home = '';
beforeEach(async () => { home = await mkdtemp(join(tmpdir(), 'omninode-members-')); });
afterEach(() => rm(home, { recursive: true }));
const never = new AbortController().signal;

it('gives what others have, and nobody where no node runs', async () => {
  expect(await members(home, never)).toEqual([]);
  const host = new ScriptedHost();
  host.setMembers(MEMBERS);
  const server = await startControlServer({ host, home, logger: silentLogger });
  expect(await members(home, never)).toEqual([
    { peerId: MEMBERS[0]?.peerId, name: 'studio', ramFreeBytes: 41_500_000_000, ramTotalBytes: 64_000_000_000, gpuTotalBytes: 24_000_000_000 },
    { peerId: MEMBERS[1]?.peerId, ramTotalBytes: 16_000_000_000 },
  ]);
  await server.stop();
});
