import type { InviteService } from '../api/index.ts';
import type { JoinPlan as ShownPlan } from '../../src-preload/bridge/index.ts';
import { systemClock } from '../base/index.ts';
import { loadSettings, type HostConfig } from './config.ts';
import { makeInvite } from './invites.ts';
import { joinZone, planJoin, type JoinPlan, type JoinRequest } from './join-zone.ts';
import type { Node } from './node.ts';
import { qrRows } from './qr-code.ts';

/** Inviting and joining for the page of a running host. */
export function inviteService(node: Pick<Node, 'mesh' | 'discovery'>, started: HostConfig): InviteService {
  const { mesh, discovery } = node;
  // The zone as the next start will have it: another link may have been joined since this one.
  const request = async (): Promise<JoinRequest> => {
    const { config: { zone, allowPeers } } = await loadSettings({ home: started.home });
    return { config: { ...started, zone, allowPeers }, peerId: mesh.peerId, nowMs: systemClock.now() };
  };
  const shown = ({ zoneName, ...plan }: JoinPlan, { config }: JoinRequest): ShownPlan =>
    ({ ...plan, needsRestart: plan.needsRestart || config.zone !== started.zone, ...(zoneName === undefined ? {} : { zoneName }) });
  return {
    create: async (ttlMs) => {
      const { link, reach, ...rest } = await makeInvite(started, mesh.signer, { addresses: mesh.addresses(), ttlMs, nowMs: systemClock.now() });
      return { link, qr: qrRows(link), ...rest, ...(reach === undefined ? {} : { reach }) };
    },
    check: async (link) => {
      const now = await request();
      return shown(await planJoin(link, now), now);
    },
    join: async (link) => {
      const now = await request();
      const plan = shown(await joinZone(link, now), now);
      if (!plan.needsRestart) for (const address of plan.addresses) discovery?.addMember(address);
      return plan;
    },
  };
}
