import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Lan } from './lans.ts';

const MINIUPNPD = '/usr/sbin/miniupnpd';
const INSTALL_TIMEOUT_MS = 60_000;

/** Why no router can speak UPnP and NAT-PMP here; undefined where one can. Installs Debian's miniupnpd where root lacks it. */
export function whyNoUpnp(): string | undefined {
  try {
    try {
      execFileSync(MINIUPNPD, ['--version'], { stdio: 'pipe' });
    } catch {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
      execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'miniupnpd-nftables'], { stdio: 'pipe', timeout: INSTALL_TIMEOUT_MS, env });
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

// miniupnpd puts its rules in chains that must be there.
const CHAINS = `
table inet filter {
  chain miniupnpd { }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
  chain prerouting { type nat hook prerouting priority dstnat; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority srcnat - 1; jump postrouting_miniupnpd; }
}
`;

/** Has the router of a LAN pass ports on to hosts that ask it (miniupnpd). Resolves, when it listens, with what ends it. */
export async function passPortsOn({ router }: Lan): Promise<() => void> {
  const [command = '', ...args] = router.prefix;
  execFileSync(command, [...args, 'nft', '-f', '-'], { input: CHAINS });
  const folder = mkdtempSync(join(tmpdir(), 'omninode-upnp-'));
  const config = join(folder, 'miniupnpd.conf');
  writeFileSync(config, ['ext_ifname=eth0', 'listening_ip=br0', 'enable_natpmp=yes', 'enable_upnp=yes', 'secure_mode=yes', 'system_uptime=yes',
    `lease_file=${join(folder, 'leases')}`, 'allow 1024-65535 192.168.1.0/24 1024-65535', 'deny 0-65535 0.0.0.0/0 0-65535', ''].join('\n'));
  const child = spawn(command, [...args, MINIUPNPD, '-d', '-f', config, '-P', join(folder, 'pid')], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const said: string[] = [];
  const lines = createInterface(child.stderr);
  lines.on('line', (line) => void said.push(line));
  while (!said.some((line) => /Listening for NAT-PMP/i.test(line))) {
    const [ended] = await Promise.race([once(lines, 'line').then(() => [false]), once(child, 'exit').then(() => [true])]);
    if (ended === true) {
      stop();
      throw new Error(`miniupnpd ended: ${said.join('; ')}`);
    }
  }
  return stop;
}
