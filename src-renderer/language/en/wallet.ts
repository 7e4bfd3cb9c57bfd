/** Until a chain can be configured: that there is none, and what that means. */
export const wallet = {
  title: 'Wallet',
  none: 'No chain is configured',
  means: 'This node has no wallet, no keys of a chain and no balance. It neither pays nor earns anything.',
  free: 'You need none of that',
  freeText: 'Private and free sessions work without a chain: chats on this machine, on machines of yours, and in private zones whose members serve each other for nothing.',
  later: 'What would be here',
  laterText: 'Paid sessions, with what this node earned and spent, belong here. This version of OmniNode cannot use a chain, so there is nothing to set up and nothing that can be lost.',
} as const;
