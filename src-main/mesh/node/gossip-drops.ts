import type { GossipsubOpts } from '@libp2p/gossipsub';

type Register = NonNullable<GossipsubOpts['metricsRegister']>;

/** Of gossipsub's figures those that say what it drops before our own checks, by their names there. */
const NOT_READ = 'gossipsub_rpc_rcv_not_accepted_total';
/** It is no protobuf of gossipsub's. */
const NO_RPC = 'gossipsub_rpc_data_err_count_total';
const INVALID = 'gossipsub_msg_received_invalid_total';
/** What our own checks refused is counted there, under its own code. */
const OURS = ['reject', 'ignore'];

const nothing = (): void => undefined;
const notKept = { inc: nothing, set: nothing, observe: nothing, reset: nothing, startTimer: () => nothing, addCollect: nothing };

/** Gossipsub tells of its drops through metrics only: this passes on the three kinds that count here. */
export function gossipDrops(refused: (code: string) => void): Pick<GossipsubOpts, 'metricsRegister' | 'metricsTopicStrToLabel'> {
  const counted = (name: string): unknown => {
    if (name === NOT_READ) return { ...notKept, inc: () => refused('ZONE_GRAYLISTED') };
    if (name === NO_RPC) return { ...notKept, inc: () => refused('ZONE_RPC_INVALID') };
    if (name === INVALID) return { ...notKept, inc: ({ error }: { readonly error: string }) => { if (!OURS.includes(error)) refused('ZONE_MESSAGE_INVALID'); } };
    return notKept;
  };
  const register = { gauge: ({ name }: { name: string }) => counted(name), histogram: () => notKept, avgMinMax: () => notKept };
  return { metricsRegister: register as unknown as Register, metricsTopicStrToLabel: new Map() };
}
