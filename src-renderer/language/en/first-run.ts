/** The first steps on a machine. */
export const firstRun = {
  region: 'First steps',
  step: (step: number, of: number): string => `Step ${step} of ${of}`,
  next: 'Next', back: 'Back', skip: 'Skip', finish: 'Finish', close: 'Close',
  what: {
    title: 'Welcome to OmniNode',
    here: 'It runs language models on your machine, and with other machines those that are too large for one: each computes some layers.',
    ready: 'A small model is inside: chat with it right now, below, without any download.',
    state: 'There is no account. Nobody else reaches this node unless you choose so in the next two steps.',
  },
  give: {
    title: 'Name your node, and say what it gives',
    name: 'Name', nameHint: 'Others in your mesh see it. Leave it empty to be shown by a number only.',
    contribute: 'Let other machines use mine', contributeHint: 'It computes layers of their answers, within these limits. You can pause or stop it at any time under Contribute.',
    when: 'When: power, idle, hours',
  },
  meet: {
    title: 'Private or public?',
    legend: 'Who may connect to this node',
    machine: 'Only this machine', machineHint: 'Nobody else reaches it. You can invite others later.',
    local: 'My network', localHint: 'Machines on the same home or office network find it and may connect; the internet does not reach it.',
    private: 'Only whom I invite', privateHint: 'A private zone with a key of its own: strangers get no answer at all. Invite your machines with a link, under Network.',
    public: 'Anybody', publicHint: 'Strangers may connect, see your address and, if you contribute, use this machine. Whose machine computes with you sees hidden states, from which a prompt may be guessed.',
  },
  restart: 'Kept. Whom your node meets changes when it is started again: quit OmniNode and open it anew. Until then it meets whom it met before.',
  done: 'Kept. You can change all of it under Contribute and in config.json.',
} as const;
