import { defineErrors, spec } from '../../base/index.ts';

export const discoveryErrors = defineErrors('DISCOVERY', {
  bookTooLarge: spec<{ path: string; sizeBytes: number; limitBytes: number }>({
    fault: 'local', message: (m) => `${m.path} has ${m.sizeBytes} bytes, at most ${m.limitBytes} are read`, next: 'Nothing to do: it is written anew.',
  }),
});

/** None of them carries the link: it may hold a zone's key. */
export const inviteErrors = defineErrors('INVITE', {
  notALink: spec<{ reason: string }>({
    fault: 'user', message: ({ reason }) => `This is no invitation to a mesh: ${reason}.`, next: 'Paste the whole link, from omni://join/ to its end.',
  }),
  garbled: spec<{ reason: string }>({
    fault: 'user', message: ({ reason }) => `This invitation was damaged on its way: ${reason}.`, next: 'Copy the link again, whole, or scan its QR code.',
  }),
  newer: spec<{ version: number }>({
    fault: 'user', message: ({ version }) => `This invitation has version ${version}, which this node does not know.`, next: 'Update OmniNode, or ask for an invitation from a node as old as this one.',
  }),
  forged: spec<{ inviter: string }>({
    fault: 'user', message: ({ inviter }) => `This invitation was not signed by ${inviter}, whom it names: it was changed or made up.`, next: 'Copy it again, whole. If that does not help, do not use it: ask for a new one, over a way that you trust.',
  }),
  expired: spec<{ expiredAt: string; now: string }>({
    fault: 'user', message: (m) => `This invitation was good until ${m.expiredAt}; here it is ${m.now}.`, next: 'Ask for a new one (`omninode invite`), or set this machine\'s clock.',
  }),
  tooLong: spec<{ limitMs: number }>({
    fault: 'user', message: ({ limitMs }) => `An invitation is good for ${limitMs / 86_400_000} days at most.`, next: 'Choose a shorter time.',
  }),
  own: spec<Record<string, never>>({
    fault: 'user', message: () => 'This invitation was made by this very node.', next: 'Use it on another machine.',
  }),
  noAddress: spec<Record<string, never>>({
    fault: 'user', message: () => 'This node has no address that an invitation could name.',
    next: 'Start it (`omninode serve`), give `listen` a fixed port in config.json, or name an address: `omninode invite --address /ip4/<host>/tcp/<port>`.',
  }),
  badAddress: spec<{ address: string }>({
    fault: 'user', message: ({ address }) => `${address} cannot be put into an invitation.`, next: 'Give an address of this node, e.g. /ip4/192.168.1.7/tcp/4001.',
  }),
});
