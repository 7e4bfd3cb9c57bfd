/** Of a node that computes for others, or of one that does not now. */
const are = (isOn: boolean): string => (isOn ? 'are' : 'would be');

/** What is paid, and for what; the settings' part of that name. */
export const pay = {
  free: (isOn: boolean) => `Strangers ${are(isOn)} served for nothing.`,
  members: (isOn: boolean) => `Members of your private zone ${are(isOn)} served for nothing.`,
  paid: (isOn: boolean, price: string) => `Strangers ${are(isOn)} served for pay alone: ${price} SUM for 1,000 tokens of one layer.`,
  missing: {
    chain: 'No chain is configured, so nobody is served: name one (“chain” in config.json), or take the price out.',
    answer: 'The chain does not answer: nobody new is served until it does.',
    wallet: 'This node has no wallet, so nobody is served yet: create one.',
    stake: 'Too little is staked for this node, so payers leave it out: stake at least 1,000 SUM.',
  },
  setPrice: 'Set a price',
  changePrice: 'Change the price',
  toWallet: 'Open the Wallet',
  intro: 'Everything here works without pay. With it, strangers compute for each other for SUM; members of a private zone never pay each other.',
  forServing: 'To be paid',
  forServingText: 'This node needs a wallet, at least 1,000 SUM staked, and “Compute for others” switched on. The price counts from the next start on.',
  forPaying: 'To pay',
  forPayingText: 'This node needs a wallet with SUM and some of the chain’s own coin for fees. With the first question to machines that want pay, you are asked once for the whole session; what is not used comes back. What it may cost counts when the model is loaded anew.',
} as const;
