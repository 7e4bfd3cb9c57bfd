/** The frame around all places: the rail, its menu on narrow screens. */
export const frame = {
  places: 'Places',
  sides: 'Conversations and places',
  closeMenu: 'Close the menu',
  skipToQuestion: 'Skip to the question',
  chat: 'Chat',
  network: 'Network',
  settings: 'Settings',
  pipeline: 'Pipeline',
  wallet: 'Wallet',
  models: 'Models',
  contribute: 'Contribute',
} as const;
