import { afterEach, describe, expect, it } from 'vitest';
import { reduce, type HostState } from '../../src-preload/bridge/index.ts';
import { INVITATION, JOIN_PLAN, ScriptedHost } from '../support/scripted-host.ts';
import { record, type BridgeSubject } from './bridge.ts';

/** What every transport of the bridge must do of the app around the page. */
export function shellCompliance(name: string, open: (host: ScriptedHost) => Promise<BridgeSubject>): void {
  describe(`the app around the page, over ${name}`, () => {
    let subject: BridgeSubject | undefined;
    const begin = async (host = new ScriptedHost()) => {
      subject = await open(host);
      const connection = await subject.connect();
      return { host, subject, connection, seen: record(connection), ...await connection.call('state.subscribe', {}) };
    };
    afterEach(async () => {
      await subject?.stop();
      subject = undefined;
    });

    it('shows a link that was opened, without the link, and joins by it when told to', async () => {
      const { host, connection, seen, state } = await begin();
      expect(state.offeredLink).toBeUndefined();
      await host.links.offer(INVITATION.link);
      await seen.until((push) => push.event === 'link.offered');
      const shown = (await connection.call('state.snapshot', {})).state.offeredLink;
      expect(shown).toMatchObject({ kind: 'checked', plan: JOIN_PLAN });
      await expect(connection.call('link.join', { id: 'another' })).rejects.toMatchObject({ wire: { code: 'HOST_LINK_GONE' } });
      expect(host.joined).toEqual([]);
      expect(await connection.call('link.join', { id: shown!.id })).toEqual(JOIN_PLAN);
      await seen.until((push) => push.event === 'link.offered' && push.data.link === null);
      const mine = seen.pushes.reduce<HostState>(reduce, state);
      expect(mine).not.toHaveProperty('offeredLink');
      expect((await connection.call('state.snapshot', {})).state).toEqual(mine);
      expect(host.joined).toEqual([INVITATION.link]);
      expect(JSON.stringify(seen.pushes)).not.toContain(INVITATION.link.slice('omni://join/'.length));
    });

    it('shows a link that is none, and forgets it', async () => {
      const { host, connection, seen } = await begin();
      await host.links.offer('omni://join/secretsecret');
      const { offeredLink } = (await connection.call('state.snapshot', {})).state;
      expect(offeredLink).toMatchObject({ kind: 'refused', error: { code: 'INVITE_EXPIRED' } });
      await connection.call('link.dismiss', { id: offeredLink!.id });
      await seen.until((push) => push.event === 'link.offered' && push.data.link === null);
      expect(JSON.stringify(seen.pushes)).not.toContain('secretsecret');
    });

    it('shows what was offered before anybody looked', async () => {
      const host = new ScriptedHost();
      await host.links.offer(INVITATION.link);
      expect((await begin(host)).state.offeredLink).toMatchObject({ kind: 'checked' });
    });

    it('tells how the app stands to newer versions', async () => {
      const { host, connection, seen, state } = await begin();
      expect(state.update).toEqual({ kind: 'idle' });
      expect(await connection.call('update.check', {})).toEqual({ kind: 'checking' });
      host.setUpdate({ kind: 'downloading', version: '1.2.3', progress: 0.5 });
      host.setUpdate({ kind: 'ready', version: '1.2.3' });
      await seen.until((push) => push.event === 'update.changed' && push.data.kind === 'ready');
      expect((await connection.call('state.snapshot', {})).state.update).toEqual({ kind: 'ready', version: '1.2.3' });
      await expect(connection.call('update.install', {})).rejects.toMatchObject({ wire: { code: 'ELECTRON_NO_UPDATE' } });
    });

    it('changes what belongs to the desktop, one thing at a time', async () => {
      const { host, connection, subject: opened } = await begin();
      const before = await connection.call('desktop.get', {});
      expect(await connection.call('desktop.set', { closeToTray: true })).toEqual({ ...before, closeToTray: true });
      expect(await connection.call('desktop.get', {})).toEqual({ ...before, closeToTray: true });
      for (const change of [{ hasTray: true }, { openAtLogin: 'yes' }, { openAtLogin: null }]) expect(await opened.callRaw('desktop.set', change)).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
      expect([await connection.call('desktop.restart', {}), host.restarts]).toEqual([{}, 1]);
    });

    it('takes a token to keep, and gives none back', async () => {
      const { host, connection, subject: opened, seen } = await begin();
      expect(await connection.call('hubToken.set', { token: 'hf_averysecrettoken' })).toEqual({ from: 'kept', keeping: 'sealed' });
      expect([await connection.call('hubToken.get', {}), host.hubTokens]).toEqual([{ from: 'kept', keeping: 'sealed' }, ['hf_averysecrettoken']]);
      expect(await connection.call('hubToken.set', { token: null })).toMatchObject({ from: 'none' });
      for (const token of ['', 'short', 'hf_with space', 'hf_with\r\nheader: x', 'x'.repeat(501), 7]) expect(await opened.callRaw('hubToken.set', { token })).toMatchObject({ ok: false, error: { code: 'API_BAD_REQUEST' } });
      expect(JSON.stringify([seen.pushes, await connection.call('state.snapshot', {})])).not.toContain('averysecret');
    });

    it('is what a host served to a browser has not', async () => {
      const { connection, state } = await begin(Object.assign(new ScriptedHost(), { links: undefined, desktop: undefined, updates: undefined, hubToken: undefined }));
      expect(state).not.toHaveProperty('update');
      for (const [command, input] of [['link.join', { id: 'x' }], ['link.dismiss', { id: 'x' }], ['desktop.get', {}], ['desktop.set', {}], ['desktop.restart', {}], ['update.check', {}], ['update.install', {}], ['hubToken.get', {}], ['hubToken.set', { token: null }]] as const) {
        await expect(connection.call(command, input)).rejects.toMatchObject({ wire: { code: 'API_UNSUPPORTED' } });
      }
    });
  });
}
