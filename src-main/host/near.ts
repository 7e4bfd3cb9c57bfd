import { BlockList, isIP } from 'node:net';

const NEAR = new BlockList();
// Loopback, private (RFC 1918, RFC 4193) and link-local (RFC 3927, RFC 4291) addresses.
for (const [net, bits] of [['127.0.0.0', 8], ['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['169.254.0.0', 16]] as const) NEAR.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [['::1', 128], ['fc00::', 7], ['fe80::', 10]] as const) NEAR.addSubnet(net, bits, 'ipv6');

// Narrower than the mesh's zones on purpose: on addresses that carriers share (RFC 6598) strangers are next door.
/** Whether a numeric address is of this machine or of a network without routes from outside. */
export function isNear(host: string): boolean {
  const plain = host.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  const version = isIP(plain);
  return version !== 0 && NEAR.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}
